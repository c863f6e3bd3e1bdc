"""A verb whose input holds nothing, or cannot be read, leaves no output folder behind."""

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from georay.cli.app import app
from georay.core.tables import CLUES, POINTS, SAMPLES

EMPTY, ABSENT = "empty", "absent"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with inputs that hold nothing."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.csv").write_text("text,country\n")
    pq.write_table(SAMPLES.empty_table(), tmp_path / "samples.parquet")
    pq.write_table(CLUES.empty_table(), tmp_path / "clues.parquet")
    pq.write_table(POINTS.empty_table(), tmp_path / "points.parquet")
    return tmp_path


RECIPES = {
    "train": "samples: [{samples}]\nbase: {{model: tiny}}\noutput: out/deep/run\n",
    "predict": "samples: [{samples}]\nmodel: tiny\noutput: out/deep/run.parquet\n",
    "calibrate": "samples: [{samples}]\noutput: out/deep/run\n",
    "baseline": "samples: [{samples}]\noutput: out/deep/run\n"
    "system: {{name: vit, backbone: {{small: {{kind: vit, width: 8, depth: 1}}}}}}\n",
}
COMMANDS = [
    ("curate", "empty", "--out", "out/deep/run"),
    ("curate", "absent", "--out", "out/deep/run"),
    ("curate", "absent*.jpg", "--out", "out/deep/run"),
    ("locate", "empty", "--out", "out/deep/run"),
    ("locate", "absent", "--out", "out/deep/run"),
    ("clues", "empty.csv", "--out", "out/deep/clues.parquet", "--licence", "CC0-1.0"),
    ("clues", "absent.csv", "--out", "out/deep/clues.parquet", "--licence", "CC0-1.0"),
    ("samples", "--clues", "clues.parquet", "--images", "empty", "--out", "out/deep/run"),
    ("samples", "--clues", "absent.parquet", "--images", "empty", "--out", "out/deep/run"),
    ("samples", "--curation", "empty", "--out", "out/deep/run"),
    ("convert", "empty", "--out", "out/deep/run"),
    ("convert", "broken", "--out", "out/deep/run"),
    ("points", "absent.osm.pbf", "--city", "Vaduz", "--out", "out/deep/points.parquet"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_a_command_without_input_leaves_nothing(here, command):
    (here / "broken").mkdir()
    (here / "broken" / "pytorch_model.bin").write_bytes(b"no tensors")
    done = CliRunner().invoke(app, command)
    assert done.exit_code != 0, done.output
    assert not (here / "out").exists()


@pytest.mark.parametrize("verb", RECIPES)
@pytest.mark.parametrize("samples", ["samples.parquet", "absent.parquet", "empty"])
def test_a_recipe_without_samples_leaves_nothing(here, verb, samples):
    (here / "recipe.yaml").write_text(RECIPES[verb].format(samples=samples))
    done = CliRunner().invoke(app, [verb, "recipe.yaml"])
    assert done.exit_code != 0, done.output
    assert not (here / "out").exists()
