"""Reasons in the paper's proportion: so many clues to train on beside so many pictures."""

from collections import Counter

import pyarrow.parquet as pq
import pytest
from samples_room import KYOTO, write_clues, write_run

from georay.config.samples import SamplesRecipe, SplitRecipe
from georay.curation.samples import make_samples

NUM_LOCATABLE, NUM_PICTURES = 20, 30


@pytest.fixture
def make(tmp_path):
    """Makes samples, with a clue about each picture; returns the two tables' rows."""

    def make(share, splits):
        pictures = {
            f"p{n}": KYOTO
            | {"latitude": 34.0 + n / 40, "locatability": 0.9 if n < NUM_LOCATABLE else 0.1}
            for n in range(NUM_PICTURES)
        }
        clues = [(name, "JP", f"Kanji of {name}.") for name in pictures]
        recipe = SamplesRecipe(
            output=str(tmp_path / "out"),
            curation=str(write_run(tmp_path / "run", pictures)),
            clues=(write_clues(tmp_path / "clues.parquet", clues),),
            clues_per_picture=share,
            held_out="scored",
            splits=splits,
        )
        make_samples(recipe)
        names = ("samples", "samples_left_out")
        return [pq.read_table(tmp_path / "out" / name).to_pylist() for name in names]

    return make


@pytest.mark.parametrize(("share", "num_clues"), [(0.25, 5), (5.0, NUM_PICTURES)])
def test_clues_to_train_on_are_at_most_a_share_of_the_pictures(make, share, num_clues):
    samples, left_out = make(share, SplitRecipe(validation=0, test=0))
    stages = Counter(row["stage"] for row in samples)
    assert stages == {"location": NUM_LOCATABLE, "reasoning": num_clues}
    kinds = [row["kind"] for row in left_out if row["stage"] == "reasoning"]
    assert kinds == ["more clues than wanted"] * (NUM_PICTURES - num_clues)


def test_held_out_clues_are_all_kept_whatever_the_share(make):
    samples, _ = make(0.1, SplitRecipe(test=0.4))
    held_out = {
        stage: {
            row["image_id"] for row in samples if row["stage"] == stage and row["split"] != "train"
        }
        for stage in ("reasoning", "location")
    }
    assert held_out["reasoning"] == held_out["location"] != set()
