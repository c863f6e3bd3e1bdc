"""The paper's run is one chain: each recipe reads what the one before it writes.

The folder of storage is the recipes' only variable.
"""

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from georay.config.clues import CluesRecipe
from georay.config.collect import CollectRecipe
from georay.config.curate import CurateRecipe
from georay.config.evaluate import EvaluateRecipe
from georay.config.load import load_recipe, parse_recipe
from georay.config.points import PointsRecipe
from georay.config.predict import PredictRecipe
from georay.config.samples import SamplesRecipe
from georay.config.serve import ServeRecipe
from georay.config.train import TrainRecipe

PROJECT = Path(__file__).parents[3]
RECIPES = PROJECT / "jobs" / "recipes"
PAPER = RECIPES / "paper"
CHAINS = {"paper": "gpu.yaml", "chain-small": "chain-small.yaml"}
"""Folders of recipes that chain, and the Serve file that takes what they made."""
MODELS = {
    "points": PointsRecipe,
    "collect": CollectRecipe,
    "clues": CluesRecipe,
    "curate": CurateRecipe,
    "samples": SamplesRecipe,
    "train": TrainRecipe,
    "predict": PredictRecipe,
    "evaluate": EvaluateRecipe,
}
ALTERNATIVES = {
    "qwen2.5-vl": "Qwen/Qwen2.5-VL-7B-Instruct",
    "qwen3-vl": "Qwen/Qwen3-VL-8B-Instruct",
}


@pytest.fixture(autouse=True)
def storage(monkeypatch):
    monkeypatch.setenv("GEORAY_STORAGE", "/mnt/georay")


def recipe(name, folder=PAPER):
    return load_recipe(folder / f"{name}.yaml", MODELS[name.partition("-")[0]])


def chain_of(folder):
    """The recipe of every step that the folder has, by its name, and what is served."""
    steps = [name for name in MODELS if (RECIPES / folder / f"{name}.yaml").exists()]
    file = yaml.safe_load((PROJECT / "cluster" / "serve" / CHAINS[folder]).read_text())
    served = parse_recipe(file["applications"][0]["args"], ServeRecipe, CHAINS[folder])
    recipes = {name: recipe(name, RECIPES / folder) for name in steps}
    return SimpleNamespace(**recipes, serve=served)


@pytest.fixture(params=CHAINS)
def chain(request):
    return chain_of(request.param)


@pytest.fixture
def paper():
    return chain_of("paper")


def test_the_papers_street_views_are_taken_at_the_points_and_curated(paper):
    assert paper.collect.points == paper.points.output
    assert paper.curate.inputs == (f"{paper.collect.output}/images.parquet",)


def test_clues_weigh_the_classes_and_become_samples(chain):
    assert chain.curate.weights.clues == chain.clues.output
    assert chain.samples.clues == (chain.clues.output,)
    assert chain.samples.curation == chain.curate.output


def test_the_samples_are_trained_on_and_asked_about(chain):
    assert chain.train.samples == chain.predict.samples == (chain.samples.output,)


def test_what_was_trained_is_asked_evaluated_and_served(chain):
    assert chain.predict.model == chain.serve.model == chain.train.base.model
    assert chain.predict.adapters == chain.serve.adapters == f"{chain.train.output}/adapters"
    files = [file for files in chain.evaluate.predictions.values() for file in files]
    assert files == [chain.predict.output]


def test_the_endpoint_scores_locatability_as_curation_did(chain):
    assert chain.serve.locatability.segmenter == chain.curate.segmenter, "device and model"
    assert chain.serve.locatability.weights == f"{chain.curate.output}/weights.json"
    assert chain.serve.locatability.threshold == chain.curate.threshold


@pytest.mark.parametrize(("key", "base"), ALTERNATIVES.items())
def test_another_base_learns_and_answers_alike(paper, key, base):
    train, predict = recipe(f"train-{key}"), recipe(f"predict-{key}")
    assert train.base.model == predict.model == base
    assert predict.adapters == f"{train.output}/adapters"
    same = {"base": paper.train.base, "output": paper.train.output, "title": paper.train.title}
    assert train.model_copy(update=same) == paper.train
    kept = ("model", "adapters", "output")
    same = {name: getattr(paper.predict, name) for name in kept}
    assert predict.model_copy(update=same) == paper.predict


@pytest.mark.parametrize("folder", ["/elsewhere", "s3://bucket/georay"])
@pytest.mark.parametrize("name", sorted(path.stem for path in PAPER.glob("*.yaml")))
def test_every_place_lies_in_the_one_folder_of_storage(name, folder, monkeypatch):
    """What a recipe names by its variable moves with it; nothing else is a path."""
    there = places(recipe(name))
    assert there
    assert all(place.startswith("/mnt/georay/") for place in there)
    monkeypatch.setenv("GEORAY_STORAGE", folder)
    moved = places(recipe(name))
    assert moved == [place.replace("/mnt/georay/", f"{folder}/") for place in there]


def places(read):
    def walk(value):
        if isinstance(value, dict):
            for one in value.values():
                yield from walk(one)
        elif isinstance(value, list):
            for one in value:
                yield from walk(one)
        elif isinstance(value, str) and value.startswith(("/", "~", ".", "s3://")):
            yield value

    return list(walk(read.model_dump(mode="json")))


@pytest.mark.parametrize("name", sorted(path.stem for path in PAPER.glob("train*.yaml")))
def test_training_asks_for_every_gpu_of_four_nodes_of_eight(name):
    read = recipe(name)
    assert (read.workers.num_workers, read.workers.use_gpu) == (4 * 8, True)
    rounds, rest = divmod(read.batches.global_batch, 32 * read.batches.micro_batch)
    assert rounds >= 1
    assert rest == 0


NUMBERS = ("threshold", "seed", "interval_m", "keep", "num_epochs", "rank", "learning_rate",
           "global_batch", "max_new_tokens", "near_duplicate", "formula")  # fmt: skip


@pytest.mark.parametrize("name", sorted(path.stem for path in PAPER.glob("*.yaml")))
def test_each_number_says_whose_it_is(name):
    """Beside it, or beside the part that it stands in."""
    whose, deep = {0: False}, 0
    for line in (PAPER / f"{name}.yaml").read_text().splitlines():
        setting, _, said = line.partition("#")
        if not setting.strip():
            continue
        deep = len(setting) - len(setting.lstrip(" -"))
        whose = {depth: known for depth, known in whose.items() if depth < deep}
        known = any(word in said for word in ("paper", "script", "ours", "Google"))
        whose[deep] = known
        key = setting.strip(" -").partition(":")[0]
        assert key not in NUMBERS or any(whose.values()), line
