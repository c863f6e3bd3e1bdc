import pytest
import torch

from georay.config.load import parse_recipe
from georay.config.train import OptimizerRecipe, TrainRecipe
from georay.training.engine import adamw, engine_settings, put_weights, warmup_steps, zero_settings


def recipe_of(**changes):
    content = {"samples": ["s"], "output": "o", "base": {"model": "tiny"}}
    return parse_recipe(content | changes, TrainRecipe, "test")


def test_the_engine_is_told_the_batch_that_its_workers_make():
    batches = {"global_batch": 64, "micro_batch": 4}
    found = engine_settings(recipe_of(batches=batches), num_workers=3, num_rounds=6)
    assert found["gradient_accumulation_steps"] == 6
    assert found["train_batch_size"] == 3 * 6 * 4
    assert found["gradient_clipping"] == 1.0
    assert found["bf16"]["enabled"] is False
    on_gpu = engine_settings(recipe_of(workers={"use_gpu": True}), 1, 1)
    assert on_gpu["bf16"]["enabled"] is True


def test_offloading_is_told_per_part():
    both = {"stage": 3, "offload_optimizer": "cpu", "offload_parameters": "nvme", "nvme": "/fast"}
    found = zero_settings(recipe_of(zero=both))
    assert found["stage"] == 3
    assert found["offload_optimizer"] == {"device": "cpu", "pin_memory": False}
    assert found["offload_param"]["device"] == "nvme"
    assert found["offload_param"]["nvme_path"] == "/fast"
    assert zero_settings(recipe_of(zero={"stage": 1})) == {"stage": 1, "overlap_comm": False}


@pytest.mark.parametrize(
    ("ratio", "num_steps", "expected"),
    [(0.01, 300, 3), (0.01, 301, 4), (0.01, 20, 1), (0.0, 300, 0), (1.0, 7, 6), (0.01, 1, 0)],
)
def test_a_warm_up_takes_its_share_of_the_steps(ratio, num_steps, expected):
    assert warmup_steps(OptimizerRecipe(warmup_ratio=ratio), num_steps) == expected


def test_the_optimizer_is_the_papers():
    (group,) = adamw([torch.nn.Parameter(torch.ones(2))], OptimizerRecipe(), 1e-5).param_groups
    assert (group["lr"], group["betas"], group["weight_decay"]) == (1e-5, (0.9, 0.95), 0.1)


def test_weights_are_put_where_they_belong():
    layer = torch.nn.Linear(2, 2)
    put_weights(layer, {"bias": torch.tensor([3.0, 4.0])})
    assert layer(torch.zeros(2)).tolist() == [3.0, 4.0]
