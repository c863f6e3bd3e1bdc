from pathlib import Path

import pytest
import yaml

from georay.config.load import load_recipe, parse_recipe
from georay.config.predict import FEWEST_NEW_TOKENS, FREE, PredictRecipe
from georay.models.decoding import grammar

OF_THE_PAPER = ("llava", "qwen-vl", "gpt-4v")
RECIPES = Path(__file__).parents[3] / "jobs" / "recipes"
SMALLEST = {"samples": ["samples"], "model": "tiny", "output": "base.parquet"}


def way(recipe):
    return recipe.answering.constrained, recipe.answering.top_k


def test_samples_a_model_and_a_file_are_enough_and_the_gazetteer_is_ranked():
    recipe = parse_recipe(SMALLEST, PredictRecipe, "test")
    assert (recipe.split, recipe.stage) == ("test", "location")
    assert (recipe.answering.prompt, *way(recipe)) == ("inference", True, 5)
    assert way(recipe.freely()) == (False, 0)


def test_the_recipe_of_the_repository_asks_the_base_as_stage_2_was_asked():
    recipe = load_recipe(RECIPES / "predict-tiny.yaml", PredictRecipe)
    assert (recipe.model, recipe.adapters) == ("tiny", None)
    assert (recipe.answering.prompt, *way(recipe)) == ("location", True, 5)


def test_every_recipe_of_the_paper_says_that_answers_are_written_freely():
    papers = [*(RECIPES / "paper").glob("predict*.yaml")]
    papers += [RECIPES / "baselines" / f"{name}-paper.yaml" for name in OF_THE_PAPER]
    assert len(papers) == 6
    for file in papers:
        said = yaml.safe_load(file.read_text())["answering"]
        assert (said["constrained"], said["top_k"]) == (False, 0), file


def test_a_remote_model_writes_freely_unless_it_is_asked_otherwise():
    remote = SMALLEST | {"endpoint": {"base_url": "http://127.0.0.1/v1"}}
    assert way(parse_recipe(remote, PredictRecipe, "test")) == (False, 0)
    assert way(parse_recipe(remote | {"answering": {"batch_size": 2}}, PredictRecipe, "t")) == (
        False,
        0,
    )


def test_a_constrained_answer_has_room_to_end():
    assert grammar.FEWEST_NEW_TOKENS == FEWEST_NEW_TOKENS
    few = {"max_new_tokens": FEWEST_NEW_TOKENS - 1}
    with pytest.raises(ValueError, match=r"max_new_tokens of 128 .*constrained: false"):
        parse_recipe(SMALLEST | {"answering": few}, PredictRecipe, "test")
    parse_recipe(SMALLEST | {"answering": few | FREE}, PredictRecipe, "test")


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
