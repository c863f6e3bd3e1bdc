"""`georay clues`: how its options and a recipe become one recipe."""

import pytest
import yaml
from typer.testing import CliRunner

from georay.cli.app import app

RECIPE = {
    "sources": [{"path": "guide.csv", "licence": "CC0"}],
    "output": "clues.parquet",
    "tagger": {"model": "someone/ner", "revision": "f" * 40, "device": "cuda", "batch_size": 7},
    "label": {"encoder": "someone/encoder", "revision": "e" * 40, "min_similarity": 0.7},
    "pairing": {"curation": "runs/old", "min_area": 0.2, "clip": "someone/clip"},
}


@pytest.fixture
def resolved(tmp_path, monkeypatch):
    """The recipe that the verb makes of a file and these options."""
    seen = []

    class Stop(Exception):
        pass

    def keep(recipe):
        seen.append(recipe)
        raise Stop

    monkeypatch.setattr("georay.flow.clues.make_clues", keep)
    (tmp_path / "clues.yaml").write_text(yaml.safe_dump(RECIPE))

    def resolved(*options):
        CliRunner().invoke(app, ["clues", str(tmp_path / "clues.yaml"), *options])
        return seen[-1]

    return resolved


def test_another_curation_run_keeps_how_clues_are_paired(resolved):
    pairing = resolved("--curation", "runs/new").pairing
    assert (pairing.curation, pairing.min_area, pairing.clip) == ("runs/new", 0.2, "someone/clip")


def test_another_tagger_keeps_where_it_runs_and_not_the_commit_of_the_other(resolved):
    tagger = resolved("--tagger", "multilingual").tagger
    assert (tagger.model, tagger.device, tagger.batch_size) == ("multilingual", "cuda", 7)
    assert tagger.revision is None
    assert resolved("--tagger", "someone/ner").tagger.revision == "f" * 40


def test_without_labels_the_rest_of_the_recipe_stays(resolved):
    recipe = resolved("--no-labels")
    assert (recipe.label.encoder, recipe.label.min_similarity) == ("none", 0.7)
    assert recipe.tagger.revision == "f" * 40


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--licence", "CC0", "--out", "c.parquet"), "--licence is for files named here"),
        (("--out", "c.parquet"), "name the files of sentences"),
        (("guide.csv",), "--out clues.parquet"),
    ],
)
def test_what_is_missing_or_means_nothing_is_said(options, message):
    done = CliRunner().invoke(app, ["clues", *options])
    assert done.exit_code != 0 and message in str(done.exception)


def test_a_licence_beside_a_recipe_is_refused_and_not_dropped(resolved, tmp_path):
    given = ["clues", str(tmp_path / "clues.yaml"), "--licence", "CC0"]
    done = CliRunner().invoke(app, given)
    assert "in a recipe each source has its own" in str(done.exception)
