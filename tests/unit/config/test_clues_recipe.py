from pathlib import Path

import pytest

from georay.config.clues import CluesRecipe
from georay.config.load import load_recipe, parse_recipe

RECIPES = Path(__file__).parents[3] / "jobs" / "recipes"
SMALLEST = {"sources": [{"path": "guide.csv"}], "output": "clues.parquet"}


@pytest.fixture(autouse=True)
def storage(monkeypatch):
    """The folder that the paper's recipes name by their one variable."""
    monkeypatch.setenv("GEORAY_STORAGE", "/mnt/georay")


@pytest.mark.parametrize(
    "path",
    [RECIPES / "clues-small.yaml", RECIPES / "paper" / "clues.yaml"],
    ids=lambda path: path.stem,
)
def test_the_recipes_of_clues_are_valid_and_name_licences(path):
    recipe = load_recipe(path, CluesRecipe)
    assert all(source.licence for source in recipe.sources)


def test_the_papers_recipe_asks_the_sentence_itself_for_a_place():
    recipe = load_recipe(RECIPES / "paper" / "clues.yaml", CluesRecipe)
    assert (recipe.require, recipe.tagger.model) == ("text", "dslim/bert-base-NER")
    assert len(recipe.tagger.revision) == 40


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sources": []}, "sources"),
        ({"output": "s3://name:key@bucket/clues.parquet"}, "output"),
        ({"near_duplicate": 0}, "near_duplicate"),
        ({"pairing": {"curation": "run"}, "label": {"encoder": "none"}}, r"label\.encoder"),
    ],
)
def test_what_cannot_work_is_refused_by_name(change, message):
    with pytest.raises(ValueError, match=message):
        parse_recipe(SMALLEST | change, CluesRecipe, "test")
