import pytest

from georay.config.load import parse_recipe
from georay.config.samples import SamplesRecipe

SMALLEST = {"output": "out", "curation": "runs/first"}


def test_a_curation_run_and_a_folder_to_write_to_are_enough():
    recipe = parse_recipe(SMALLEST, SamplesRecipe, "test")
    assert recipe.splits.by == "point"
    assert recipe.mix is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"curation": None}, "name a curation run, or clues and the images"),
        ({"curation": None, "clues": ["clues.parquet"]}, "name a curation run, or clues"),
        ({"splits": {"validation": 0.5, "test": 0.5}}, r"validation \+ test must be below 1"),
        ({"splits": {"by": "street"}}, r"splits\.by"),
        ({"mix": {"num_images": 10}}, r"mix\.locatable_share"),
        ({"mix": {"locatable_share": 1.5, "num_images": 10}}, r"mix\.locatable_share"),
        ({"max_clues_per_image": 0}, "max_clues_per_image"),
        ({"clues_per_picture": 0}, "clues_per_picture"),
        (
            {
                "curation": None,
                "clues": ["c.parquet"],
                "images": ["i"],
                "mix": {"locatable_share": 1, "num_images": 1},
            },
            "a mix chooses among scored pictures",
        ),
    ],
)
def test_a_recipe_that_cannot_work_is_refused_with_what_to_change(changes, message):
    with pytest.raises(ValueError, match=message):
        parse_recipe(SMALLEST | changes, SamplesRecipe, "test")
