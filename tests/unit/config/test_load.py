from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from georay.config.curate import CurateRecipe
from georay.config.load import dump_recipe, load_recipe, parse_recipe

RECIPES = Path(__file__).parents[3] / "jobs" / "recipes"
SMALLEST = "inputs: [photos]\noutput: runs/first\n"


def written(tmp_path, text):
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", sorted(RECIPES.glob("curate-*.yaml")), ids=lambda path: path.stem)
def test_the_recipes_of_the_repository_are_valid(path):
    recipe = load_recipe(path, CurateRecipe)
    assert recipe.inputs
    assert recipe.threshold == 0.4


def test_the_resolved_recipe_reads_back_as_itself_with_every_default_written(tmp_path):
    recipe = load_recipe(written(tmp_path, SMALLEST), CurateRecipe)
    text = dump_recipe(recipe)
    assert load_recipe(written(tmp_path, text), CurateRecipe) == recipe
    assert yaml.safe_load(text)["workers"]["rows_per_block"] == 128
    assert set(yaml.safe_load(text)) == set(CurateRecipe.model_fields)


def test_unknown_keys_are_refused_by_name(tmp_path):
    text = SMALLEST + "treshold: 0.3\nworkers: {num_actor: 2}\n"
    with pytest.raises(ValueError, match="treshold") as caught:
        load_recipe(written(tmp_path, text), CurateRecipe)
    assert "workers.num_actor" in str(caught.value)
    assert "recipe.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("threshold: high", "threshold"),
        ("max_error_share: 2", "max_error_share"),
        ("workers: {batch_size: 0}", "workers.batch_size"),
        ("weights: {scope: rows}", "weights.scope"),
        ("limits: {max_pixels: -1}", "limits.max_pixels"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(tmp_path, line, key):
    with pytest.raises(ValueError, match=key):
        load_recipe(written(tmp_path, f"{SMALLEST}{line}\n"), CurateRecipe)


def test_what_is_required_is_named_when_it_is_missing(tmp_path):
    with pytest.raises(ValueError, match=r"(?s)inputs: .*output: "):
        load_recipe(written(tmp_path, ""), CurateRecipe)


@pytest.mark.parametrize("text", ["inputs: [a\n", "{", "a: b: c"])
def test_text_that_is_no_yaml_is_told(tmp_path, text):
    with pytest.raises(ValueError, match="not valid YAML"):
        load_recipe(written(tmp_path, text), CurateRecipe)


@pytest.mark.parametrize("text", ["just words", "[1, 2]", "3"])
def test_yaml_that_is_no_recipe_is_told(tmp_path, text):
    with pytest.raises(ValueError, match="needs changing"):
        load_recipe(written(tmp_path, text), CurateRecipe)


def test_an_absent_recipe_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"absent\.yaml"):
        load_recipe(tmp_path / "absent.yaml", CurateRecipe)


def test_yaml_cannot_make_python_objects(tmp_path):
    text = "inputs: !!python/object/apply:os.getcwd []\noutput: x\n"
    with pytest.raises(ValueError, match="not valid YAML"):
        load_recipe(written(tmp_path, text), CurateRecipe)


def test_a_recipe_cannot_be_changed_after_it_was_read():
    recipe = parse_recipe({"inputs": ["a"], "output": "b"}, CurateRecipe, "test")
    with pytest.raises(ValidationError):
        recipe.threshold = 0.2
