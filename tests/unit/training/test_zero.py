"""ZeRO 0 to 3 on two gloo workers: the same losses, checkpoints that resume, whole adapters."""

import json
import os
from pathlib import Path

import pytest
import torch
import torch.multiprocessing
from ports import free_port
from safetensors.torch import load_file
from training_room import small_recipe, write_base, write_samples
from zero_runs import start, two_workers

from georay.models.adapters import STAGES, AdapterStack
from georay.models.loading import load_family
from georay.training.engine import prepare_deepspeed

TOLERANCE = 1e-5  # nats: sums in float32 are taken in another order
NAMES = ("zero-0", "zero-1", "zero-2", "zero-3")
WIDE = {"rank": 1024, "alpha": 1024, "targets": ["attn.c_proj"]}
"""Matrices of 131,072 values: ZeRO-3 leaves those below 100,000 whole on every worker."""


def recipe_of(folder: Path, name: str, zero: int, **changes):
    settings = {
        "zero": {"stage": zero},
        "stages": [{"adapter": stage, "num_epochs": 2} for stage in STAGES],
        "optimizer": {"learning_rate": 1e-2, "warmup_ratio": 0.0},
    }
    return small_recipe(
        folder / "data" / "samples.parquet",
        folder / "base",
        folder / "runs" / name,
        **(settings | changes),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A base and 21 samples of each stage: the last step of an epoch is short."""
    folder = tmp_path_factory.mktemp("zero")
    write_base(folder / "base")
    write_samples(folder / "data", 21)
    return folder


@pytest.fixture(scope="module")
def losses(folder):
    """Per recipe the losses of each stage, and of stage 2's last steps after a resume."""
    recipes = {
        name: recipe_of(folder, name, zero).model_dump_json() for zero, name in enumerate(NAMES)
    }
    half = {"workers": {"precision": "bfloat16"}}
    recipes["bfloat16"] = recipe_of(folder, "bfloat16", 2, **half).model_dump_json()
    for name, zero in (("wide", 0), ("wide-split", 3)):
        wide = {
            "lora": WIDE,
            "stages": [{"adapter": "location", "num_epochs": 2}],
            "optimizer": {"learning_rate": 1e-3, "warmup_ratio": 0.0},
        }
        recipes[name] = recipe_of(folder, name, zero, **wide).model_dump_json()
    out = folder / "out"
    torch.multiprocessing.spawn(two_workers, (recipes, free_port(), str(out)), nprocs=2)
    return json.loads((out / "losses.json").read_text())


def test_every_zero_stage_gives_the_same_losses(losses):
    for name in NAMES[1:]:
        for stage in STAGES:
            assert losses[name][stage] == pytest.approx(losses["zero-0"][stage], abs=TOLERANCE)


def test_both_stages_learn(losses):
    for stage in STAGES:
        assert losses["zero-0"][stage][-1] < losses["zero-0"][stage][0] - 0.1


@pytest.mark.parametrize("name", [*NAMES, "bfloat16", "wide-split"])
def test_a_resumed_run_ends_on_the_identical_loss(losses, name):
    assert len(losses[name]["resumed"]) == 3
    assert losses[name]["resumed"] == losses[name]["location"][3:]


def test_bfloat16_learns_what_float32_does(losses):
    for stage in STAGES:
        assert losses["bfloat16"][stage] == pytest.approx(losses["zero-2"][stage], abs=0.05)


@pytest.mark.parametrize("name", [*NAMES, "bfloat16"])
def test_exported_adapters_reload_and_hold_every_weight(losses, folder, name):
    family = load_family(str(folder / "base"))
    stack = AdapterStack.load(family.network, "base", folder / "runs" / name / "adapters")
    for stage in STAGES:
        ups = [value for key, value in stack.weights(stage).items() if "lora_B" in key]
        assert ups
        assert all(value.dtype == torch.float32 and value.abs().sum() > 0 for value in ups)


def test_all_zero_stages_export_the_same_adapters(losses, folder):
    for stage in STAGES:
        expected = exported(folder, "zero-0", stage)
        for name in NAMES[1:]:
            found = exported(folder, name, stage)
            assert found.keys() == expected.keys()
            for key, value in expected.items():
                torch.testing.assert_close(found[key], value, atol=5e-4, rtol=0)


def test_weights_that_no_worker_holds_whole_are_trained_and_exported_whole(losses, folder):
    """Both layers' A and B are cut in two; smaller ones would stay whole under any ZeRO stage."""
    assert losses["wide-split"]["released"] == [4.0]
    assert losses["zero-3"]["released"] == losses["wide"]["released"] == [0.0]
    assert losses["wide-split"]["location"] == pytest.approx(losses["wide"]["location"], abs=1e-4)
    assert losses["wide"]["location"][-1] < losses["wide"]["location"][0] - 0.1
    expected, found = (exported(folder, name, "location") for name in ("wide", "wide-split"))
    assert found.keys() == expected.keys() and len(found) == 4
    for key, value in expected.items():
        assert value.numel() == 1024 * 128
        torch.testing.assert_close(found[key], value, atol=5e-4, rtol=0)


def exported(folder: Path, name: str, stage: str) -> dict[str, torch.Tensor]:
    return load_file(folder / "runs" / name / "adapters" / stage / "adapter_model.safetensors")


@pytest.fixture(scope="module")
def alone():
    """A process group of this process only."""
    torch.set_num_threads(1)
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    os.environ.update(address, RANK="0", LOCAL_RANK="0", WORLD_SIZE="1")
    prepare_deepspeed(use_gpu=False)
    torch.distributed.init_process_group("gloo", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()
    for name in (*address, "RANK", "LOCAL_RANK", "WORLD_SIZE"):
        os.environ.pop(name)


def test_one_worker_does_what_two_do(losses, folder, alone):
    """The same global batch; dropout is drawn per worker, so the losses differ by its noise."""
    run = start(recipe_of(folder, "alone", 0), 0, 0, 1)
    assert run.steps(0, 6) == pytest.approx(losses["zero-0"]["reasoning"], abs=0.05)


def test_another_number_of_workers_goes_on_from_the_adapter(losses, folder, alone):
    checkpoint = folder / "out" / "zero-3" / "checkpoint-reasoning"
    expected = losses["zero-3"]["reasoning"]
    assert expected[3] < expected[0] - 0.1, "an adapter that was not put in would show"
    run = start(recipe_of(folder, "fewer", 0), 0, 0, 1, resume=checkpoint)
    assert run.steps(3, 4) == pytest.approx([expected[3]], abs=0.05)


def test_cached_vectors_give_the_losses_of_pixels_without_a_look_at_one(folder, alone):
    seen = start(recipe_of(folder, "seen", 0), 0, 0, 1).steps(0, 3)
    cached = recipe_of(folder, "cached", 0, vision_cache=str(folder / "cache"))
    run = start(cached, 0, 0, 1)
    run.family.network.transformer.visual.forward = None
    assert run.steps(0, 3) == pytest.approx(seen, abs=1e-5)
