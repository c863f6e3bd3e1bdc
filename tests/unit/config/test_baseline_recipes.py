"""Recipes of baselines: those of the repository, and what a recipe refuses."""

import re
from pathlib import Path

import pytest

from georay.config.baselines import BaselineRecipe
from georay.config.load import load_recipe, parse_recipe
from georay.config.predict import PredictRecipe

RECIPES = Path(__file__).parents[3] / "jobs" / "recipes" / "baselines"
SYSTEMS = {
    *("planet", "cplanet", "isns", "translocator", "geodecoder"),
    *("vit", "streetclip", "geoclip"),
}
ASKED = {"predict-small", "predict-paper", "llava-paper", "qwen-vl-paper", "gpt-4v-paper"}
ASKED_OF_THE_HUB = {"isns-paper", "geodecoder-paper"}
"""Where no public source names a commit: the hub is asked once, and its answer is kept."""
PATHS = sorted(RECIPES.glob("*.yaml"))


def test_every_system_has_a_small_recipe_and_one_of_its_papers_size():
    trained = {f"{name}-{size}" for name in SYSTEMS for size in ("small", "paper")}
    assert {path.stem for path in PATHS} == trained | ASKED


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_recipes_of_the_repository_are_valid(path):
    if path.stem in ASKED:
        load_recipe(path, PredictRecipe)
        return
    recipe = load_recipe(path, BaselineRecipe)
    assert path.stem.startswith(f"{recipe.system.name}-")
    assert recipe.output.endswith(f"/{recipe.system.name}")


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_recipes_folders_lie_together(path):
    """Small ones below the home folder, those of a cluster on storage that every node sees."""
    lines = [line.partition("#")[0] for line in path.read_text().splitlines()]
    words = [word.strip("[],") for line in lines for word in line.split()]
    folders = [word for word in words if word.startswith(("/", "~"))]
    root = "~/georay-runs/" if path.stem.endswith("small") else "/mnt/shared/georay/"
    assert folders and all(folder.startswith(root) for folder in folders)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_published_weights_are_named_by_a_whole_commit(path):
    """So that everyone who runs the recipe loads the same ones, whatever the hub has by then."""
    if path.stem in ASKED | ASKED_OF_THE_HUB:
        return
    backbone = load_recipe(path, BaselineRecipe).system.backbone
    if backbone is not None and (known := backbone.pretrained) is not None:
        assert re.fullmatch(r"[0-9a-f]{40}", known.revision or ""), known.model


def test_a_home_folder_as_model_is_written_out():
    recipe = load_recipe(RECIPES / "predict-small.yaml", PredictRecipe)
    assert recipe.model == str(Path("~/georay-runs/baselines/planet").expanduser())


def recipe_of(system, **changes):
    content = {"samples": ["s"], "output": "o", "system": system} | changes
    return parse_recipe(content, BaselineRecipe, "test")


SMALL = {"small": {"kind": "resnet"}}


@pytest.mark.parametrize(
    ("system", "changes", "named"),
    [
        ({"name": "planet", "backbone": {}}, {}, "either `pretrained` or `small`"),
        ({"name": "vit", "backbone": SMALL}, {}, "made of transformers"),
        ({"name": "translocator", "backbone": SMALL}, {}, "made of transformers"),
        ({"name": "nobody", "backbone": SMALL}, {}, "system"),
        ({"name": "planet", "backbone": SMALL}, {"learning": None}, "give `learning`"),
        ({"name": "geoclip", "backbone": SMALL}, {"learning": None}, "give `learning`"),
        (
            {"name": "planet", "backbone": SMALL},
            {"learning": {"clock": "processor"}, "workers": {"use_gpu": True}},
            "set clock to wall",
        ),
        (
            {
                "name": "isns",
                "backbone": SMALL,
                "partitions": [{"max_pictures": 5}, {"max_pictures": 10}],
            },
            {},
            "max_pictures must fall",
        ),
        (
            {
                "name": "isns",
                "backbone": SMALL,
                "partitions": [
                    {"max_pictures": 100, "min_pictures": 9},
                    {"max_pictures": 50, "min_pictures": 3},
                ],
            },
            {},
            "min_pictures must not",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_change(system, changes, named):
    with pytest.raises(ValueError, match=named):
        recipe_of(system, **changes)


def test_published_weights_may_answer_untrained():
    backbone = {"pretrained": {"model": "geolocal/StreetCLIP"}}
    recipe = recipe_of({"name": "streetclip", "backbone": backbone}, learning=None)
    assert recipe.learning is None
