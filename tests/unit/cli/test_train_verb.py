"""`georay train`: options over the recipe, and plain errors. Training itself: tests/integration."""

import json
from pathlib import Path

import pytest
import typer
import yaml
from training_room import write_samples
from typer.testing import CliRunner

from georay.cli.app import app
from jobs.train import main

PROJECT = Path(__file__).parents[3]
JOB = typer.Typer()
JOB.command()(main)
RECIPE = PROJECT / "jobs" / "recipes" / "train-tiny-neither.yaml"


def invoke(*arguments: object):
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_samples(tmp_path_factory.mktemp("data"), 2)


def test_options_stand_above_the_recipe_and_the_run_says_what_held(samples, tmp_path):
    out = tmp_path / "run"
    options = ("--base", "elsewhere", "--cluster", "local", "--json")
    done = invoke(RECIPE, "--samples", samples, "--out", out, *options)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"folder": str(out), "stages": {}}
    held = yaml.safe_load((out / "recipe.yaml").read_text())
    assert held["samples"] == [str(samples)]
    assert held["base"]["model"] == "elsewhere"
    assert held["cluster"]["address"] == "local"
    assert json.loads((out / "manifest.json").read_text())["kind"] == "training"


def test_a_stage_without_samples_is_said_before_any_is_trained(tmp_path):
    """On a real cluster the first stage may take days."""
    only = write_samples(tmp_path, 2, stages=("reasoning",))
    recipe = RECIPE.with_name("train-tiny.yaml")
    failed = invoke(recipe, "--samples", only, "--out", tmp_path / "run", "--cluster", "local")
    assert isinstance(failed.exception, ValueError)
    assert "no training sample of the stage 'location'" in str(failed.exception)
    assert not (tmp_path / "run" / "stages").exists()


def job(recipe: Path):
    return CliRunner().invoke(JOB, ["--recipe", str(recipe)])


def test_the_job_does_what_the_verb_does(samples, tmp_path):
    recipe = tmp_path / "neither.yaml"
    content = yaml.safe_load(RECIPE.read_text())
    content |= {"samples": [str(samples)], "output": str(tmp_path / "run")}
    recipe.write_text(yaml.safe_dump(content))
    done = job(recipe)
    assert done.exit_code == 0, done.output
    assert "the base stays as it is" in done.stdout
    assert (tmp_path / "run" / "report.html").exists()
    recipe.write_text("samples: []")
    failed = job(recipe)
    assert failed.exit_code == 1
    assert "needs changing" in failed.output


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
