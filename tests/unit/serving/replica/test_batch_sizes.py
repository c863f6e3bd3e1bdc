"""Length-aware batches of questions that are alike."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from georay.config.serve import BatchingRecipe, ServeRecipe
from georay.serving.messages import LocateOptions
from georay.serving.replica.batch_sizes import SlotCounter, num_slots, passes

SIZES = st.tuples(st.integers(1, 10_000), st.integers(1, 10_000))


@dataclass(frozen=True)
class Waiting:
    options: LocateOptions
    num_slots: int


def test_larger_pictures_take_more_places_of_a_batch():
    batching = BatchingRecipe(max_batch_size=8, max_batch_tokens=8 * 600)
    counter = SlotCounter(ServeRecipe(model="Qwen/Qwen2.5-VL-7B-Instruct", batching=batching))
    small, large = counter.count([(224, 224)], 320), counter.count([(1200, 1200)], 320)
    assert (small, large) == (1, 3)
    assert counter.count([(1200, 1200)] * 16, 320) == 8, "a question larger than a batch fills one"


@given(sizes=st.lists(SIZES, min_size=1, max_size=16), answer=st.integers(1, 4096))
def test_every_question_fits_into_a_batch(sizes, answer):
    recipe = ServeRecipe()
    assert 1 <= SlotCounter(recipe).count(sizes, answer) <= recipe.batching.max_batch_size


def test_a_long_question_makes_its_whole_batch_dear():
    short = Waiting(LocateOptions(), 1)
    assert num_slots([short] * 4) == 4
    assert num_slots([*[short] * 3, Waiting(LocateOptions(), 3)]) == 12


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 8)), max_size=20))
def test_a_pass_holds_equal_options_longest_first_and_nobody_is_lost(jobs):
    waiting = [Waiting(LocateOptions(top_k=top_k), slots) for top_k, slots in jobs]
    found = list(passes(waiting))
    assert sorted(position for positions in found for position in positions) == [*range(len(jobs))]
    for positions in found:
        members = [waiting[position] for position in positions]
        assert len({member.options for member in members}) == 1
        assert [m.num_slots for m in members] == sorted(
            (m.num_slots for m in members), reverse=True
        )
    assert len(found) == len({job.options for job in waiting})
