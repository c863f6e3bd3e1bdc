import json

import pyarrow.parquet as pq
import pytest
from training_room import sample_row

from georay.config.load import parse_recipe
from georay.config.train import TrainRecipe
from georay.core.tables import SAMPLES, rows_to_table
from georay.models.adapter_card import AdapterCard, LoraSettings, read_card, write_card
from georay.training.cards import write_training_card
from georay.training.stages import StageJob

OUTCOME = {
    "train_loss": 1.0,
    "validation_loss": None,
    "num_samples": 2,
    "num_validation": 0,
    "num_steps": 1,
}


@pytest.fixture
def card(tmp_path):
    """Writes the card of an adapter that learnt from clues of these licences; the README of it."""

    def write(*licences, **terms):
        (tmp_path / "pictures").mkdir()
        rows = [
            sample_row(tmp_path / "pictures", seed, "reasoning", "train")
            | {"clue_id": f"c{seed}", "clue_source": "guide", "clue_licence": licence}
            for seed, licence in enumerate(licences)
        ]
        rows = [row | terms for row in rows]
        rows += [sample_row(tmp_path / "pictures", 9, "location", "train")]
        pq.write_table(rows_to_table(rows, SAMPLES), tmp_path / "samples.parquet")
        content = {
            "samples": [str(tmp_path / "samples.parquet")],
            "output": str(tmp_path / "out"),
            "base": {"model": "tiny"},
        }
        job = StageJob(parse_recipe(content, TrainRecipe, "test"), 0, tmp_path / "out")
        folder = job.adapters / job.stage.adapter
        folder.mkdir(parents=True)
        settings = LoraSettings(rank=4, alpha=4, dropout=0.0, targets=("c_attn",))
        named = {
            "adapter": job.stage.adapter,
            "base": "tiny",
            "base_fingerprint": "f",
            "weights": "w",
        }
        write_card(folder, AdapterCard(**named, stacked_on={}, settings=settings, versions={}))
        write_training_card(job, OUTCOME)
        return folder

    return write


def test_an_adapters_card_names_the_licences_of_the_clues_it_learnt_from(card):
    folder = card("CC0", "CC0", "not for commercial use")
    assert read_card(folder).clue_licences == ("guide: CC0", "guide: not for commercial use")
    facts = json.loads((folder / "training.json").read_text())
    assert facts["clue_licences"] == {"guide: CC0": 2, "guide: not for commercial use": 1}
    readme = (folder / "README.md").read_text()
    assert "guide: CC0 (2 conversations)" in readme
    assert "**Not for commercial use**" in readme


def test_free_clues_bring_no_restriction_into_the_card(card):
    readme = (card("CC0") / "README.md").read_text()
    assert "guide: CC0" in readme and "commercial" not in readme


def test_an_adapters_card_names_the_licences_of_the_pictures_it_learnt_from(card):
    folder = card("CC0", picture_source="mapillary", picture_licence="CC BY-NC-SA 4.0")
    assert read_card(folder).picture_licences == ("mapillary: CC BY-NC-SA 4.0",)
    readme = (folder / "README.md").read_text()
    assert "mapillary: CC BY-NC-SA 4.0 (1 conversations)" in readme
    assert "**Not for commercial use**" in readme
