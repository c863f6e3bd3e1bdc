"""The recipe of the package's calibration fits what the recipe of its adapters leaves."""

from pathlib import Path

import pytest

from georay.config.calibrate import CalibrateRecipe
from georay.config.demo import DemoRecipe
from georay.config.load import load_recipe, parse_recipe

RECIPES = Path(__file__).parents[3] / "jobs" / "recipes"


def test_the_shipped_adapters_are_calibrated_on_validation_places_of_the_run_that_made_them():
    tuned = load_recipe(RECIPES / "tune-tiny.yaml", DemoRecipe)
    run = Path(tuned.output) / tuned.name
    recipe = load_recipe(RECIPES / "calibrate-tiny.yaml", CalibrateRecipe)
    assert recipe.samples == (str(run / "samples"),)
    assert Path(str(recipe.scenes)) == run / "scenes"
    assert (recipe.model, recipe.split, recipe.familiarity) == ("tiny", "validation", True)
    assert (recipe.adapters, recipe.output) == (None, None)  # those of the package, beside them


def test_samples_are_all_that_is_required():
    assert parse_recipe({"samples": ["runs/samples"]}, CalibrateRecipe, "test").model == "tiny"
    with pytest.raises(ValueError, match="samples"):
        parse_recipe({}, CalibrateRecipe, "test")
