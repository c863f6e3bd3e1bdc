"""The demo's settings: recipes that the package carries, and that stand in jobs/recipes too."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from georay.cli.app import app
from georay.config.demo import DemoRecipe
from georay.config.load import laid_over, load_recipe
from georay.flow.ablation import ROWS
from georay.flow.drawn import PACKAGED, asking, packaged_demo, training

JOBS = Path(__file__).parents[3] / "jobs" / "recipes"


@pytest.mark.parametrize("name", ["demo", "demo-quick"])
def test_what_stands_in_the_jobs_recipes_is_what_the_package_carries(name):
    file = JOBS / f"{name}.yaml"
    assert file.resolve() == (PACKAGED / file.name).resolve()
    assert load_recipe(file, DemoRecipe) == packaged_demo(name)


def test_the_quick_demo_and_the_shipped_adapters_differ_in_amounts_alone():
    full = packaged_demo().model_dump()
    quick = packaged_demo("demo-quick").model_dump()
    assert {key for key in full if full[key] != quick[key]} == {"name", "images", "predict", "rows"}
    assert full["predict"] | {"max_images": 100} == quick["predict"]
    shipped = load_recipe(JOBS / "tune-tiny.yaml", DemoRecipe).model_dump()
    assert _differing(full["train"], shipped["train"]) == {"stages", "zero", "workers"}
    assert _differing(full["samples"], shipped["samples"]) == {"clues_per_picture", "splits"}


def _differing(one, other):
    return {key for key in one | other if one.get(key) != other.get(key)}


def test_the_full_demo_has_every_row_of_table_two():
    assert packaged_demo().rows == tuple(ROWS)


def test_a_step_has_its_keys_from_the_recipe_and_its_folders_from_the_demo(tmp_path):
    demo = laid_over(
        PACKAGED / "demo.yaml",
        DemoRecipe,
        {},
        ["train.stages.1.num_epochs=9", "predict.split=train"],
    )
    run = training(tmp_path / "samples", tmp_path / "out", tmp_path / "vision", demo=demo)
    assert [stage.num_epochs for stage in run.stages] == [3, 9]
    assert (run.samples, run.output) == ((str(tmp_path / "samples"),), str(tmp_path / "out"))
    assert run.lora.targets is not None and "lm_head" in run.lora.targets
    asked = asking(tmp_path / "samples", tmp_path / "o.parquet", demo=demo)
    assert (asked.max_images, asked.answering.prompt) == (150, "location")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("curate.treshold=0.5", "did you mean threshold"),
        ("train.lora.rank=none", "lora.rank"),
        ("rows=[best]", "rows"),
        ("imagse=3", "did you mean images"),
    ],
)
def test_a_wrong_key_of_any_step_is_named_before_anything_is_drawn(setting, message):
    done = CliRunner().invoke(app, ["demo", "--set", setting])
    assert isinstance(done.exception, ValueError) and message in str(done.exception)


def test_the_verb_takes_a_recipe_or_quick_and_prints_its_own(monkeypatch, tmp_path):
    seen = []

    def keep(recipe, say):
        seen.append(recipe)
        raise ValueError("enough")

    monkeypatch.setattr("georay.flow.demo.run_demo", keep)
    for options in ([], ["--quick"], [str(JOBS / "tune-tiny.yaml"), "--out", str(tmp_path)]):
        CliRunner().invoke(app, ["demo", *options])
    assert [one.name for one in seen] == ["full", "quick", "shipped"]
    assert seen[-1].output == str(tmp_path)
    both = CliRunner().invoke(app, ["demo", "--quick", str(JOBS / "tune-tiny.yaml")])
    assert "--quick is a recipe too" in str(both.exception)
    printed = CliRunner().invoke(app, ["recipe", "demo"]).stdout
    assert printed == (PACKAGED / "demo.yaml").read_text()
