"""The recipes for GPUs, which nothing here can run: what is really built from each of them.

Every setting that matters on a GPU is followed to where DeepSpeed, PEFT, Ray Train, Ray Data and
Ray Serve are given it.
"""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
import ray
import ray.data
import torch
import yaml

from georay.config.curate import CurateRecipe
from georay.config.load import load_recipe, parse_recipe
from georay.config.serve import ServeRecipe
from georay.config.train import TrainRecipe
from georay.core.tables import INPUTS, rows_to_table
from georay.curation import operators, pipeline
from georay.locatability.weights import published_weights
from georay.models import segmenter
from georay.models.loading import load_family
from georay.models.placement import choose_placement
from georay.models.registry import Machine
from georay.serving.app import model_options
from georay.serving.replica import locatability
from georay.training import engine, trainer
from georay.training.loop import Outcome
from georay.training.stages import StageJob, build_stack, load_base

PROJECT = Path(__file__).parents[3]
RECIPES = PROJECT / "jobs" / "recipes" / "paper"
TRAINING = ["train.yaml", "train-zero3.yaml"]
ZERO_STAGE = {"train.yaml": 2, "train-zero3.yaml": 3}
PAPER = {"learning_rate": 1e-5, "betas": (0.9, 0.95), "weight_decay": 0.1, "warmup_ratio": 0.01}


@pytest.fixture(autouse=True)
def storage(monkeypatch):
    """The folder that the recipes' one variable names."""
    monkeypatch.setenv("GEORAY_STORAGE", "/mnt/georay")


@pytest.fixture(params=TRAINING)
def training(request):
    return load_recipe(RECIPES / request.param, TrainRecipe)


@pytest.fixture
def curation():
    return load_recipe(RECIPES / "curate.yaml", CurateRecipe)


@pytest.fixture
def serving():
    """The recipe of the Serve file, and the file."""
    file = yaml.safe_load((PROJECT / "cluster" / "serve" / "gpu.yaml").read_text())
    (application,) = file["applications"]
    return parse_recipe(application["args"], ServeRecipe, "gpu.yaml"), file


def test_training_numbers_are_those_of_the_paper_and_of_the_authors_script(training):
    assert training.optimizer.model_dump(include=set(PAPER)) == PAPER
    assert training.batches.global_batch == 64
    assert training.batches.max_length == 2048
    assert [(one.adapter, one.num_epochs) for one in training.stages] == [
        ("reasoning", 5),
        ("location", 1),
    ]
    assert (training.lora.rank, training.lora.alpha, training.lora.dropout) == (64, 16, 0.05)


def test_the_two_training_recipes_differ_in_zero_alone():
    first, second = (load_recipe(RECIPES / name, TrainRecipe).model_dump() for name in TRAINING)
    differing = {name for name in first if first[name] != second[name]}
    assert differing == {"output", "title", "zero"}


def test_lora_reaches_peft_with_its_rank_scale_and_dropout(training, tmp_path):
    """On the small twin of the recipe's base, which has layers of the same names."""
    family = load_family("tiny")
    stack = build_stack(family, StageJob(training, 0, tmp_path))
    config = stack.model.peft_config["reasoning"]
    assert (config.r, config.lora_alpha, config.lora_dropout) == (64, 16, 0.05)
    adapted = [one for one in stack.model.modules() if hasattr(one, "lora_A")]
    assert {one.scaling["reasoning"] for one in adapted} == {16 / 64}
    assert {one.lora_A["reasoning"].out_features for one in adapted} == {64}
    assert {one.lora_dropout["reasoning"].p for one in adapted} == {0.05}
    assert family.network.is_gradient_checkpointing


def test_another_rank_scale_and_dropout_reach_peft_too(training, tmp_path):
    """So that no default that happens to be the same is mistaken for the recipe's."""
    lora = training.lora.model_copy(update={"rank": 8, "alpha": 48, "dropout": 0.25})
    recipe = training.model_copy(update={"lora": lora})
    stack = build_stack(load_family("tiny"), StageJob(recipe, 0, tmp_path))
    config = stack.model.peft_config["reasoning"]
    assert (config.r, config.lora_alpha, config.lora_dropout) == (8, 48, 0.25)


def test_the_engine_is_given_bfloat16_zero_and_overlapping_communication(training, monkeypatch):
    given = {}

    def initialize(**arguments):
        given.update(arguments)
        return SimpleNamespace(lr_scheduler=None), None, None, None

    told = SimpleNamespace(initialize=initialize)
    use_gpu = []
    monkeypatch.setattr(engine, "prepare_deepspeed", lambda gpu: (use_gpu.append(gpu), told)[1])
    model = torch.nn.Linear(2, 2)
    engine.start_engine(
        model, training, num_workers=32, num_rounds=1, num_steps=1000, learning_rate=1e-5
    )
    assert use_gpu == [True]
    config = given["config"]
    assert config["train_micro_batch_size_per_gpu"] == 2
    assert config["gradient_accumulation_steps"] == 1
    assert config["train_batch_size"] == 64
    assert config["gradient_clipping"] == 1.0
    assert config["bf16"]["enabled"] is True
    stage = ZERO_STAGE["train-zero3.yaml" if training.zero.stage == 3 else "train.yaml"]
    assert config["zero_optimization"] == {"stage": stage, "overlap_comm": True}
    group = given["optimizer"].param_groups[0]
    assert (group["initial_lr"], group["betas"]) == (1e-5, (0.9, 0.95))
    assert (group["weight_decay"], group["eps"]) == (0.1, 1e-8)


def test_deepspeed_reads_the_configuration_as_it_is_meant():
    """DeepSpeed's own parser, in a process of its own: it looks for accelerators when imported."""
    script = f"""
from pathlib import Path
from georay.config.load import load_recipe
from georay.config.train import TrainRecipe
from georay.training.engine import engine_settings, prepare_deepspeed
prepare_deepspeed(use_gpu=False)
from deepspeed.runtime.config import DeepSpeedConfig
for name in {TRAINING}:
    recipe = load_recipe(Path({str(RECIPES)!r}) / name, TrainRecipe)
    read = DeepSpeedConfig(engine_settings(recipe, 1, 32))
    print(read.zero_optimization_stage, read.zero_config.overlap_comm, read.bfloat16_config.enabled,
          read.gradient_clipping, read.train_batch_size, read.train_micro_batch_size_per_gpu)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    expected = [f"{ZERO_STAGE[name]} True True 1.0 64 2" for name in TRAINING]
    assert done.stdout.strip().splitlines()[-2:] == expected


def test_deepspeed_is_told_to_use_the_gpu(monkeypatch):
    """With its name alone in DeepSpeed's place, which would look for a GPU when imported."""
    monkeypatch.setitem(sys.modules, "deepspeed", SimpleNamespace())
    monkeypatch.setenv("DS_ACCELERATOR", "cpu")
    engine.prepare_deepspeed(use_gpu=True)
    assert os.environ["DS_ACCELERATOR"] == "cuda"


def test_ray_train_gets_a_gpu_for_each_worker_and_nccl(training, monkeypatch, tmp_path):
    given = {}

    def record(train, **arguments):
        given.update(arguments)
        return SimpleNamespace(fit=lambda: SimpleNamespace(return_value=Outcome()))

    monkeypatch.setattr(trainer, "TorchTrainer", record)
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 1000.0, "GPU": 32.0})
    trainer.fit_stage(StageJob(training, 0, tmp_path))
    scaling = given["scaling_config"]
    assert given["torch_config"].backend == "nccl"
    assert (scaling.num_workers, scaling.use_gpu) == (32, True)
    assert scaling.resources_per_worker == {"CPU": 4, "GPU": 1}
    assert given["run_config"].checkpoint_config.num_to_keep == 3


def test_without_gpus_the_same_recipe_is_trained_with_gloo(training, monkeypatch, tmp_path):
    given = {}

    def record(train, **arguments):
        given.update(arguments)
        return SimpleNamespace(fit=lambda: SimpleNamespace(return_value=Outcome()))

    monkeypatch.setattr(trainer, "TorchTrainer", record)
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 1000.0})
    workers = training.workers.model_copy(update={"use_gpu": False})
    trainer.fit_stage(StageJob(training.model_copy(update={"workers": workers}), 0, tmp_path))
    assert given["torch_config"].backend == "gloo"
    assert given["scaling_config"].resources_per_worker == {"CPU": 4}


def test_a_stage_says_so_when_the_cluster_lacks_gpus(training, monkeypatch, tmp_path):
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 1000.0, "GPU": 8.0})
    monkeypatch.setattr(
        trainer,
        "TorchTrainer",
        lambda *_, **__: SimpleNamespace(fit=lambda: SimpleNamespace(return_value=Outcome())),
    )
    job = StageJob(training, 0, tmp_path)
    trainer.fit_stage(job)
    assert "32 GPU slots, and the cluster has 8" in job.notes.read_text()


def test_the_base_is_loaded_in_bfloat16(training, monkeypatch):
    given = {}
    monkeypatch.setattr(
        "georay.training.stages.load_family", lambda name, **how: given.update(how, name=name)
    )
    load_base(training)
    assert given["precision"] == "bfloat16"
    assert given["name"] == training.base.model


class Recorded:
    """Stands where a Ray Dataset would: remembers how each operator was asked for."""

    def __init__(self):
        self.operators = []

    map_batches = ray.data.Dataset.map_batches  # Ray's own, with all that it refuses

    def map_batches_internal(self, operator, **how):
        self.operators.append((operator, how))
        return self

    def iter_rows(self):
        return iter(())


def test_ray_data_gets_a_gpu_for_each_scoring_actor(curation, monkeypatch, tmp_path):
    recorded = Recorded()
    monkeypatch.setattr(ray.data, "from_blocks", lambda _: recorded)
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 128.0, "GPU": 8.0})
    inputs: pa.Table = rows_to_table([{"uri": "a.jpg"}], INPUTS)
    list(pipeline.score_images(inputs, published_weights(), curation, tmp_path / "parts"))
    how = next(how for operator, how in recorded.operators if operator is operators.SegmentImages)
    assert (how["num_gpus"], how["num_cpus"], how["accelerator_type"]) == (1, 4, "A800")
    assert how["compute"].max_size == how["compute"].min_size == 8
    assert how["fn_constructor_args"][-1] == 32, "pictures that are segmented together"
    assert how["fn_constructor_args"][0].device == "cuda"


def test_scoring_actors_load_the_paper_s_segmenter_on_the_gpu(curation, monkeypatch):
    given = []
    monkeypatch.setattr(segmenter, "load_segmenter", lambda name, **how: given.append((name, how)))
    operators.SegmentImages(curation.segmenter, curation.limits)
    ((name, how),) = given
    assert (name, how["device"]) == ("facebook/maskformer-swin-base-ade", "cuda")


def test_curation_numbers_are_those_of_the_paper(curation):
    assert curation.threshold == 0.4
    assert (curation.weights.scope, curation.weights.threshold) == ("global", 0.5)
    assert curation.weights.encoder == "sentence-transformers/all-MiniLM-L6-v2"


def test_a_served_replica_has_a_gpu_and_its_segmenter_is_there(serving, monkeypatch):
    recipe, file = serving
    options = model_options(recipe)
    assert options["ray_actor_options"] == {"num_cpus": 2, "num_gpus": 1}
    scaling = options["autoscaling_config"]
    assert (scaling["min_replicas"], scaling["max_replicas"]) == (0, 8)
    given = []
    monkeypatch.setattr(
        locatability, "load_segmenter", lambda name, **how: given.append((name, how))
    )
    monkeypatch.setattr(locatability, "pinned_revision", lambda name, revision: "a commit")
    locatability.LocatabilityReader(recipe.locatability.model_copy(update={"weights": "published"}))
    paper = [("facebook/maskformer-swin-base-ade", "cuda", "a commit")]
    assert [(name, how["device"], how["revision"]) for name, how in given] == paper
    assert file["http_options"]["host"] == "127.0.0.1"
    assert recipe.limits.keys_variable == "GEORAY_API_KEYS"


def test_a_served_model_is_put_on_the_gpu_in_bfloat16(serving):
    recipe, _ = serving
    assert recipe.device is recipe.precision is None
    chosen = choose_placement(recipe.model, Machine(64, [80]))
    assert (chosen.device, chosen.precision) == ("cuda:0", "bfloat16")
