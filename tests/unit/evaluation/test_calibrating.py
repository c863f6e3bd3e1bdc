"""A calibration is fitted on the places that were held out, and lies where answers find it."""

import json
import math

import pytest
from predicting_room import write_model, write_samples
from typer.testing import CliRunner

from georay.cli.app import app
from georay.config.calibrate import CalibrateRecipe
from georay.config.load import parse_recipe
from georay.evaluation.calibrating import calibrate
from georay.models.decoding.calibration import Calibration
from georay.models.locator import Locator


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    root = tmp_path_factory.mktemp("room")
    write_model(root / "small")
    write_samples(root / "drawn")
    return root


def recipe(room, **changes):
    content = {
        "samples": [str(room / "drawn" / "samples.parquet")],
        "model": str(room / "small"),
        "split": "test",
        "prompt": "location",
        "device": "cpu",
    }
    return parse_recipe(content | changes, CalibrateRecipe, "test")


def test_the_verb_writes_what_the_locator_then_uses(room, tmp_path):
    arguments = [str(room / "drawn" / "samples.parquet"), "--model", str(room / "small")]
    settings = ["--set", "split=test", "--set", "prompt=location", "--set", "device=cpu"]
    result = CliRunner().invoke(app, ["calibrate", *arguments, *settings, "--json"])
    assert result.exit_code == 0, result.output
    file = room / "small" / "calibration.json"
    assert json.loads(result.stdout)["file"] == str(file)
    found = Calibration.find(room / "small")
    file.unlink()
    assert found.num_pictures == 5 and math.isfinite(found.offset)
    assert found.sure_from == 1.0  # an untrained model is never right


def test_an_unreadable_picture_is_left_out_and_counted(room, tmp_path):
    picture = sorted((room / "drawn").glob("*.jpg"))[-1]
    kept = picture.read_bytes()
    picture.write_bytes(b"")
    try:
        summary = calibrate(recipe(room, split="test", output=str(tmp_path)))
        other = calibrate(recipe(room, split="train", output=str(tmp_path)))
    finally:
        picture.write_bytes(kept)
    assert summary.num_unreadable + other.num_unreadable == 1
    assert "1 could not be read" in f"{summary.as_text()} {other.as_text()}"


def test_too_few_pictures_for_a_familiarity_are_named_before_anything_is_written(room, tmp_path):
    with pytest.raises(ValueError, match="240 pictures or more, got 5"):
        calibrate(recipe(room, familiarity=True, output=str(tmp_path)))
    assert not list(tmp_path.iterdir())


def test_scenes_of_other_pictures_are_refused(room, tmp_path):
    from georay.streetworld.export.records import write_folder
    from georay.streetworld.world import StreetWorld

    write_folder(StreetWorld(1, 64), 2, tmp_path / "scenes")
    with pytest.raises(ValueError, match="other scenes"):
        calibrate(recipe(room, scenes=str(tmp_path / "scenes"), output=str(tmp_path)))


def test_a_bare_model_that_lies_nowhere_here_needs_an_output(room):
    with pytest.raises(ValueError, match="name an output folder"):
        calibrate(recipe(room, model="Qwen/Qwen3-VL-2B-Instruct"))


def test_the_locator_reads_it(room, tmp_path):
    calibrate(recipe(room))
    locator = Locator.from_pretrained(str(room / "small"), device="cpu")
    (room / "small" / "calibration.json").unlink()
    (picture, *_) = sorted((room / "drawn").glob("*.jpg"))
    assert locator.locate([picture], top_k=1)[0].sureness == "unsure"
