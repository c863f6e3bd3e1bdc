import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from georay.curation.samples import mix_locatable

VALUES = np.linspace(0, 1, 101)  # 61 of 0.4 or more, 40 below
SCORES = pa.table({"image_id": [f"i{n}" for n in range(101)], "locatability": VALUES})


def high(table):
    return {
        row["image_id"] for row in table.to_pylist() if row["locatability"] >= 0.4
    }  # fmt: skip


@pytest.mark.parametrize(
    ("share", "num_high"), [(0, 0), (0.25, 10), (0.5, 20), (0.75, 30), (1, 40)]
)
def test_every_share_gives_the_same_number_of_different_pictures(share, num_high):
    chosen = mix_locatable(SCORES, share, 40, seed=0)
    assert len(set(chosen["image_id"].to_pylist())) == chosen.num_rows == 40
    assert len(high(chosen)) == num_high


def test_more_share_keeps_the_locatable_pictures_that_were_there():
    quarter, half = (mix_locatable(SCORES, share, 40, seed=0) for share in (0.25, 0.5))
    assert high(quarter) < high(half)


@given(st.permutations(range(101)), st.integers(0, 5))
def test_who_is_chosen_depends_on_the_seed_and_not_on_the_order(order, seed):
    chosen = mix_locatable(SCORES, 0.5, 20, seed)
    shuffled = mix_locatable(SCORES.take(pa.array(order)), 0.5, 20, seed)
    assert set(shuffled["image_id"].to_pylist()) == set(chosen["image_id"].to_pylist())


def test_another_seed_chooses_others():
    first, second = (mix_locatable(SCORES, 0.5, 20, seed) for seed in (0, 1))
    assert high(first) != high(second)


def test_the_threshold_itself_is_locatable_and_pictures_without_a_score_are_passed_over():
    scores = pa.table(
        {"image_id": ["at", "below", "none"], "locatability": pa.array([0.4, 0.3999, None])}
    )
    assert mix_locatable(scores, 0.5, 2, seed=0)["image_id"].to_pylist() == ["at", "below"]
    with pytest.raises(ValueError, match=r"2 pictures with a locatability below 0\.4.*are 1"):
        mix_locatable(scores, 0, 2, seed=0)


def test_too_few_pictures_are_told_and_not_made_up_for():
    with pytest.raises(ValueError, match=r"62 pictures with a locatability of 0\.4 or more.* 61"):
        mix_locatable(SCORES, 1, 62, seed=0)
    with pytest.raises(ValueError, match=r"in \[0, 1\], got 50"):
        mix_locatable(SCORES, 50, 10, seed=0)
