"""`georay train`: options over the recipe, and plain errors. Training itself: tests/integration."""

import json
from pathlib import Path

import pytest
import yaml
from training_room import write_samples
from typer.testing import CliRunner

from georay.cli.app import app

RECIPE = Path(__file__).parents[3] / "jobs" / "recipes" / "train-tiny-neither.yaml"


def invoke(*arguments: object):
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_samples(tmp_path_factory.mktemp("data"), 2)


def test_options_stand_above_the_recipe_and_the_run_says_what_held(samples, tmp_path):
    out = tmp_path / "run"
    done = invoke(RECIPE, "--samples", samples, "--base", "elsewhere", "--out", out, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"folder": str(out), "stages": {}}
    held = yaml.safe_load((out / "recipe.yaml").read_text())
    assert held["samples"] == [str(samples)]
    assert held["base"]["model"] == "elsewhere"
    assert json.loads((out / "manifest.json").read_text())["kind"] == "training"


@pytest.mark.parametrize(
    ("recipe", "options", "message"),
    [
        ("absent.yaml", (), "cannot read the recipe"),
        (RECIPE.with_name("train-tiny.yaml"), ("--samples", "gone.parquet"), "gone.parquet"),
        (RECIPE.with_name("curate-small.yaml"), (), "needs changing"),
    ],
)
def test_what_a_user_can_mend_is_told(tmp_path, recipe, options, message):
    failed = invoke(recipe, *options, "--out", tmp_path / "run")
    assert isinstance(failed.exception, ValueError)
    assert message in str(failed.exception)
