"""`georay samples`: a drawn world's clues become conversations, from the command line."""

import json

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from georay.cli.app import app
from georay.streetworld.records import write_folder
from georay.streetworld.world import StreetWorld


def invoke(*arguments: object):
    return CliRunner().invoke(app, ["samples", *map(str, arguments)])


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    write_folder(StreetWorld(seed=3, size=64), 12, root)
    return root


def test_clues_and_their_pictures_become_samples(world, tmp_path):
    sources = ("--clues", world / "clues.parquet", "--images", world / "labels.csv")
    done = invoke(*sources, "--out", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    rows = pq.read_table(tmp_path / "out" / "samples").to_pylist()
    assert sum(said["samples"]["reasoning"].values()) == len(rows) > 0
    assert said["samples"]["location"] == {"train": 0, "validation": 0, "test": 0}
    recipe = tmp_path / "out" / "samples.yaml"
    again = invoke(recipe, "--out", tmp_path / "again")
    assert again.exit_code == 0, again.output
    assert "reasoning: " in again.stdout
    assert pq.read_table(tmp_path / "again" / "samples").to_pylist() == rows


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "--out"),
        (("--out", "x"), "name a curation run, or clues"),
        (("--out", "x", "--curation", "nowhere"), "nowhere"),
    ],
)
def test_what_is_missing_is_said(options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = invoke(*options)
    assert done.exit_code != 0
    assert message in done.output + str(done.exception)
