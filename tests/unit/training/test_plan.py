import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from georay.config.train import BatchRecipe
from georay.training.plan import Plan


def plan_of(num_samples, num_epochs=1, max_steps=None, seed=3, **batches):
    lengths = np.random.default_rng(num_samples).integers(50, 400, num_samples)
    return Plan(lengths, BatchRecipe(**batches), num_epochs, seed, max_steps), lengths


shapes = st.fixed_dictionaries(
    {
        "num_samples": st.integers(1, 150),
        "global_batch": st.integers(1, 40),
        "micro_batch": st.integers(1, 9),
    }
)


@settings(max_examples=60, deadline=None)
@given(shape=shapes, num_workers=st.integers(1, 5))
def test_every_epoch_has_each_sample_once_over_all_workers(shape, num_workers):
    plan, _ = plan_of(num_epochs=2, **shape)
    for epoch in range(2):
        first = epoch * plan.steps_per_epoch
        slots = [
            slot
            for step in range(first, first + plan.steps_per_epoch)
            for rank in range(num_workers)
            for slot in plan.slots(step, rank, num_workers)
        ]
        learnt = [index for slot in slots if not slot.is_filler for index in slot.indices]
        assert sorted(learnt) == list(range(shape["num_samples"]))
        assert all(0 < len(slot.indices) <= shape["micro_batch"] for slot in slots)


@settings(max_examples=40, deadline=None)
@given(shape=shapes, num_workers=st.integers(1, 5))
def test_all_workers_have_equally_many_slots_in_every_step(shape, num_workers):
    plan, _ = plan_of(**shape)
    for step in range(plan.num_steps):
        counts = {len(plan.slots(step, rank, num_workers)) for rank in range(num_workers)}
        assert counts == {plan.num_rounds(num_workers)}


def test_a_steps_samples_do_not_depend_on_the_number_of_workers():
    plan, _ = plan_of(100, global_batch=16, micro_batch=2)
    for step in range(plan.num_steps):
        for num_workers in (1, 2, 3, 7):
            found = [
                index
                for rank in range(num_workers)
                for slot in plan.slots(step, rank, num_workers)
                if not slot.is_filler
                for index in slot.indices
            ]
            assert sorted(found) == sorted(plan.step(step).tolist())


def test_a_step_can_be_found_without_the_steps_before_it():
    one, _ = plan_of(50, num_epochs=3, global_batch=8)
    other, _ = plan_of(50, num_epochs=3, global_batch=8)
    expected = [one.step(step).tolist() for step in range(one.num_steps)]
    assert [other.step(step).tolist() for step in reversed(range(one.num_steps))] == expected[::-1]


def test_epochs_and_seeds_differ_in_their_order():
    plan, _ = plan_of(64, num_epochs=2, global_batch=8)
    first = [plan.step(step).tolist() for step in range(8)]
    assert first != [plan.step(step).tolist() for step in range(8, 16)]
    assert first != [
        plan_of(64, global_batch=8, seed=4)[0].step(step).tolist() for step in range(8)
    ]


def test_sorting_by_length_leaves_little_padding():
    plan, lengths = plan_of(2000, global_batch=64, micro_batch=4)
    random = np.random.default_rng(0).permutation(lengths).reshape(-1, 4)
    without = 1 - random.sum() / (random.max(axis=1) * 4).sum()
    assert without > 0.2
    assert plan.padding_share(num_workers=2) < 0.02


def test_short_samples_do_not_come_before_long_ones():
    """Batches of one length each would otherwise teach lengths in order."""
    plan, lengths = plan_of(2000, global_batch=64, length_pool=8)
    means = [lengths[plan.step(step)].mean() for step in range(plan.num_steps - 1)]
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.5


def test_batches_of_one_pool_come_in_no_order_of_length():
    """All samples are one pool: sorted by length and not mixed again, they would rise steadily."""
    for seed in range(5):
        plan, lengths = plan_of(2000, seed=seed, global_batch=64, length_pool=64)
        means = [lengths[plan.step(step)].mean() for step in range(plan.num_steps - 1)]
        assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.6
        rises = np.mean(np.diff(means) > 0)
        assert 0.2 < rises < 0.8


def test_other_samples_meet_in_a_batch_in_every_epoch():
    plan, _ = plan_of(64, num_epochs=2, global_batch=8, length_pool=1)
    batches = [frozenset(plan.step(step).tolist()) for step in range(plan.num_steps)]
    assert set(batches[:8]) != set(batches[8:])


def test_a_last_short_batch_comes_last_and_max_steps_ends_a_run_early():
    plan, _ = plan_of(20, num_epochs=2, global_batch=8)
    assert [len(plan.step(step)) for step in range(6)] == [8, 8, 4, 8, 8, 4]
    assert plan_of(20, num_epochs=2, global_batch=8, max_steps=5)[0].num_steps == 5


def test_without_samples_there_is_no_plan():
    with pytest.raises(ValueError, match="no sample"):
        Plan(np.zeros(0, np.int64), BatchRecipe(), 1, 0)


@pytest.mark.parametrize("epoch", [0, 1])
@pytest.mark.parametrize(("num_samples", "pool"), [(50, 2), (64, 1), (41, 100), (3, 8)])
def test_the_order_is_the_one_that_seed_and_lengths_decide(num_samples, pool, epoch):
    """Written out a second time: a run resumed by another version must learn the same steps."""
    plan, lengths = plan_of(num_samples, num_epochs=2, seed=7, global_batch=8, length_pool=pool)
    random = np.random.default_rng((7, epoch))
    order = random.permutation(num_samples).tolist()
    batches = []
    for start in range(0, num_samples, 8 * pool):
        by_length = sorted(order[start : start + 8 * pool], key=lambda sample: lengths[sample])
        batches += [by_length[at : at + 8] for at in range(0, len(by_length), 8)]
    full = [batch for batch in batches if len(batch) == 8]
    expected = [full[place] for place in random.permutation(len(full))]
    expected += [batch for batch in batches if len(batch) < 8]
    first = epoch * plan.steps_per_epoch
    found = [plan.step(first + place).tolist() for place in range(plan.steps_per_epoch)]
    assert found == expected


def test_samples_of_equal_length_stay_in_the_drawn_order():
    """An unstable sort would order them as the processor's vectors are wide."""
    plan = Plan(np.arange(512) % 2 + 7, BatchRecipe(global_batch=512), 1, 0)
    drawn = np.random.default_rng((0, 0)).permutation(512)
    assert plan.step(0).tolist() == [*drawn[drawn % 2 == 0], *drawn[drawn % 2 == 1]]


def test_workers_of_one_round_have_neighbours_in_length():
    plan = Plan(np.arange(1, 9), BatchRecipe(global_batch=8, micro_batch=2), 1, 0)
    by_rank = [[slot.indices for slot in plan.slots(0, rank, 2)] for rank in range(2)]
    assert by_rank == [[(0, 1), (4, 5)], [(2, 3), (6, 7)]]


def test_who_has_nothing_left_repeats_the_shortest_sample_as_a_filler():
    plan = Plan(np.array([30, 10, 20]), BatchRecipe(global_batch=4, micro_batch=2), 1, 0)
    slots = [plan.slots(0, rank, 5) for rank in range(5)]
    assert [[(slot.indices, slot.is_filler) for slot in one] for one in slots] == [
        [((1,), False)], [((2,), False)], [((0,), False)], [((1,), True)], [((1,), True)],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("num_workers", "padded"), [(1, 20 + 20 + 30), (2, 20 + 20 + 30), (5, 10 + 20 + 30 + 10 + 10)]
)
def test_padding_is_what_lies_beyond_a_samples_own_tokens(num_workers, padded):
    """Two slots hold [10, 20] and [30] tokens; with five workers, two only repeat the shortest."""
    plan = Plan(np.array([30, 10, 20]), BatchRecipe(global_batch=4, micro_batch=2), 3, 0)
    assert plan.padding_share(num_workers) == pytest.approx(1 - 60 / padded)


def test_padding_is_that_of_the_steps_that_are_made():
    lengths = np.random.default_rng(0).integers(1, 100, 64)
    how = BatchRecipe(global_batch=8, micro_batch=8, length_pool=1)
    plan = Plan(lengths, how, 1, 0, max_steps=2)
    made = [lengths[plan.step(step)] for step in range(2)]
    real, padded = sum(one.sum() for one in made), sum(8 * one.max() for one in made)
    assert plan.padding_share(1) == pytest.approx(1 - real / padded)
    assert plan.padding_share(1) != Plan(lengths, how, 1, 0).padding_share(1)


def test_max_steps_never_lengthens_a_run():
    assert plan_of(20, num_epochs=2, global_batch=8, max_steps=50)[0].num_steps == 6
