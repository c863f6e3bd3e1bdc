from pathlib import Path

import pytest

from georay.config.load import load_recipe, parse_recipe
from georay.config.train import TrainRecipe

RECIPES = Path(__file__).parents[3] / "jobs" / "recipes"
SMALLEST = {"samples": ["s.parquet"], "output": "run", "base": {"model": "tiny"}}


@pytest.fixture(autouse=True)
def storage(monkeypatch):
    """The folder that the paper's recipes name by their one variable."""
    monkeypatch.setenv("GEORAY_STORAGE", "/mnt/georay")


def recipes():
    return sorted([*RECIPES.glob("train-tiny*.yaml"), *RECIPES.glob("paper/train*.yaml")])


@pytest.mark.parametrize("path", recipes(), ids=lambda path: path.stem)
def test_the_recipes_of_the_repository_are_valid(path):
    recipe = load_recipe(path, TrainRecipe)
    has_few_pictures = path.stem == "train-tiny-few"  # of which 64 would make two steps an epoch
    assert recipe.batches.global_batch == (16 if has_few_pictures else 64)
    assert (recipe.lora.rank, recipe.lora.alpha) == (64, 16)


def test_the_ablations_differ_from_the_whole_by_their_stages_alone():
    whole = load_recipe(RECIPES / "train-tiny.yaml", TrainRecipe)
    for kept in ("reasoning", "location"):
        part = load_recipe(RECIPES / f"train-tiny-{kept}-only.yaml", TrainRecipe)
        assert [stage.adapter for stage in part.stages] == [kept]
        same = {"stages": whole.stages, "title": whole.title, "output": whole.output}
        assert part.model_copy(update=same) == whole
    assert load_recipe(RECIPES / "train-tiny-neither.yaml", TrainRecipe).stages == ()


def test_the_papers_settings_are_the_defaults_of_its_recipe():
    recipe = load_recipe(RECIPES / "paper" / "train.yaml", TrainRecipe)
    assert recipe.base.model.endswith("/qwen-vl-chat"), "converted: the hub has no safetensors"
    assert recipe.optimizer == TrainRecipe(**SMALLEST).optimizer
    assert (recipe.optimizer.learning_rate, recipe.optimizer.weight_decay) == (1e-5, 0.1)
    assert (recipe.optimizer.betas, recipe.optimizer.warmup_ratio) == ((0.9, 0.95), 0.01)
    assert (recipe.zero.stage, recipe.workers.dtype) == (2, "bfloat16")
    split = load_recipe(RECIPES / "paper" / "train-zero3.yaml", TrainRecipe)
    assert split.zero.stage == 3
    same = {"zero": recipe.zero, "title": recipe.title, "output": recipe.output}
    assert split.model_copy(update=same) == recipe


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stages": [{"adapter": "location"}, {"adapter": "reasoning"}]}, "location comes above"),
        ({"stages": [{"adapter": "reasoning"}] * 2}, "at most once"),
        ({"zero": {"stage": 2, "offload_parameters": "cpu"}}, "needs stage 3"),
        ({"zero": {"stage": 0, "offload_optimizer": "cpu"}}, "needs stage 1"),
        ({"zero": {"stage": 0}, "workers": {"precision": "bfloat16"}}, "stage 1 or more"),
        ({"zero": {"stage": 3, "offload_optimizer": "nvme"}}, "zero.nvme"),
        ({"samples": []}, "samples"),
        ({"output": "s3://name:key@bucket/run"}, "holds a secret"),
        ({"batches": {"micro_batch": 0}}, "batches.micro_batch"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_what_to_change(change, message):
    with pytest.raises(ValueError, match=message):
        parse_recipe(SMALLEST | change, TrainRecipe, "test")


def test_cpus_train_in_float32_and_gpus_in_bfloat16_unless_told():
    assert TrainRecipe(**SMALLEST).workers.dtype == "float32"
    on_gpu = parse_recipe(SMALLEST | {"workers": {"use_gpu": True}}, TrainRecipe, "test")
    assert on_gpu.workers.dtype == "bfloat16"
