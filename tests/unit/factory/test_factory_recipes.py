"""The recipes of the shipped weights, and the jobs that follow them."""

import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from georay.config.demo import DemoRecipe
from georay.config.load import laid_over, load_recipe
from georay.config.segmenter import TrainSegmenterRecipe
from georay.factory import RECIPES
from georay.factory.tune import tune
from jobs import pretrain_tiny, tune_tiny

PROJECT = Path(__file__).parents[3]


@pytest.mark.parametrize("recipe", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_recipe_is_one_file_that_the_jobs_recipes_link_to(recipe):
    assert not recipe.is_symlink(), "a wheel carries it"
    assert (PROJECT / "jobs" / "recipes" / recipe.name).resolve() == recipe.resolve()


def test_make_train_small_starts_each_training_from_the_weights_of_the_one_before():
    target = (PROJECT / "Makefile").read_text(encoding="utf-8").split("\ntrain-small: $(VENV)")[1]
    files = re.findall(r"--recipe (\S+)", target.split("\n\n")[0])
    first, *later = [load_recipe(PROJECT / file, TrainSegmenterRecipe) for file in files]
    assert [file.rpartition("/")[2] for file in files][-1] == "train-segmenter-outdoor.yaml"
    assert first.start is None
    for before, after in zip([first, *later], later, strict=False):
        assert after.start is not None and after.start.parent == before.out


def test_tuning_without_both_stages_is_refused_before_anything_is_drawn(tmp_path):
    fewer = {"output": tmp_path, "rows": ["base", "location only"]}
    with pytest.raises(ValueError, match="add 'both stages' to rows"):
        tune(laid_over(RECIPES / "tune-tiny.yaml", DemoRecipe, fewer), print)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("job", "setting", "problem"),
    [(tune_tiny, "rows=[base]", "both stages"), (pretrain_tiny, "sede=1", "did you mean seed")],
    ids=["tune_tiny", "pretrain_tiny"],
)
def test_a_job_follows_the_packaged_recipe_where_none_is_named(
    job, setting, problem, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)  # not a checkout
    app = typer.Typer()
    app.command()(job.main)
    done = CliRunner().invoke(app, ["--set", setting])
    assert done.exit_code == 1 and problem in str(done.exception or done.output)
