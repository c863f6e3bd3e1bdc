"""`georay samples`: a drawn world's clues become conversations, from the command line."""

import json

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from georay.cli.app import app
from georay.streetworld.export.records import write_folder
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


@pytest.fixture
def finished(world, tmp_path):
    sources = ("--clues", world / "clues.parquet", "--images", world / "labels.csv")
    invoke(*sources, "--out", tmp_path / "run")
    return tmp_path / "run"


def test_samples_are_exported_where_they_are_made(world, tmp_path):
    sources = ("--clues", world / "clues.parquet", "--images", world / "labels.csv")
    done = invoke(*sources, "--out", tmp_path / "out", "--export", "qwen-vl", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    (export,) = said["exports"]
    assert export["samples"]["reasoning"] == said["samples"]["reasoning"]
    assert (tmp_path / "out" / "qwen-vl" / "export.json").exists()


def test_finished_samples_are_exported_without_making_them_again(finished):
    before = (finished / "samples.json").stat().st_mtime_ns
    done = invoke(finished, "--export", "llama-factory", "--export", "webdataset")
    assert done.exit_code == 0, done.output
    assert (finished / "llama-factory" / "dataset_info.json").exists()
    assert list((finished / "webdataset").glob("*.tar"))
    assert (finished / "samples.json").stat().st_mtime_ns == before
    assert done.stdout.count("export: ") == 2


def test_an_export_lies_where_it_is_wanted_and_names_pictures_if_asked(finished, tmp_path):
    done = invoke(finished, "--export", "qwen-vl", "--out", tmp_path / "x", "--pictures", "uri")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "x" / "qwen-vl").exists() and not (finished / "qwen-vl").exists()
    assert not (tmp_path / "x" / "qwen-vl" / "images").exists()


@pytest.mark.parametrize("form", ["llama-factory", "qwen-vl", "webdataset", "hf-datasets"])
def test_an_export_is_taken_over_by_the_verb_as_it_was(finished, tmp_path, form):
    assert invoke(finished, "--export", form).exit_code == 0
    done = invoke("--conversations", finished / form, "--out", tmp_path / "back")
    assert done.exit_code == 0, done.output
    before, after = (
        [row | {"uri": ""} for row in pq.read_table(root / "samples").to_pylist()]
        for root in (finished, tmp_path / "back")
    )
    assert before == after


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "say --export FORM"),
        (("--export", "qwen-vl", "--clues", "c.parquet"), "leave out --clues"),
        (("--export", "parquet"), "is none of llama-factory"),
    ],
)
def test_a_folder_of_samples_is_only_exported(finished, options, message):
    done = invoke(finished, *options)
    assert done.exit_code != 0
    assert message in " ".join((done.output + str(done.exception)).split())


def test_the_verb_offers_every_form_that_there_is():
    from georay.cli.samples import FORMS as OFFERED
    from georay.curation.exchange import FORMS

    assert tuple(OFFERED.split("|")) == FORMS
