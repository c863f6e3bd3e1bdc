from pathlib import Path

import pytest

from georay.config.load import load_recipe, parse_recipe
from georay.config.predict import PredictRecipe

RECIPES = Path(__file__).parents[3] / "jobs" / "recipes"
SMALLEST = {"samples": ["samples"], "model": "tiny", "output": "base.parquet"}


def test_samples_a_model_and_a_file_are_enough_and_the_paper_decides_the_rest():
    recipe = parse_recipe(SMALLEST, PredictRecipe, "test")
    assert (recipe.split, recipe.stage) == ("test", "location")
    assert (recipe.answering.prompt, recipe.answering.constrained) == ("inference", False)


def test_the_recipe_of_the_repository_asks_the_base_freely_as_stage_2_was_asked():
    recipe = load_recipe(RECIPES / "predict-tiny.yaml", PredictRecipe)
    assert (recipe.model, recipe.adapters) == ("tiny", None)
    assert (recipe.answering.prompt, recipe.answering.constrained) == ("location", False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output": "runs/base"}, r"runs/base.*should end in \.parquet"),
        ({"samples": []}, "samples"),
        ({"answering": {"prompt": "poem"}}, r"answering\.prompt"),
        ({"max_images": 0}, "max_images"),
        ({"thresholds": [1]}, "thresholds"),
    ],
)
def test_a_wrong_key_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        parse_recipe(SMALLEST | changes, PredictRecipe, "test")
