"""Training with each ZeRO stage in two gloo processes, without Ray: what the loop does, bare."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
import torch.distributed

from georay.config.train import TrainRecipe
from georay.models.adapters import AdapterStack
from georay.training.checkpoints import Shape, read_checkpoint, write_checkpoint
from georay.training.collate import MeasureLengths, Sample, collate
from georay.training.engine import prepare_deepspeed, put_weights, start_engine
from georay.training.learner import Learner, SlotBatch
from georay.training.plan import Plan
from georay.training.samples import stage_samples
from georay.training.stages import (
    StageJob,
    build_stack,
    export_adapters,
    frozen_adapters,
    load_base,
)
from georay.training.usable import UsableSamples, usable_samples
from georay.training.vision import (
    cached_vectors,
    collate_vectors,
    missing_features,
    pictures_of,
)
from georay.training.vision_cache import StoreVisionFeatures, VisionShards


@dataclass
class BareRun:
    """A stage on one worker: everything that a step needs."""

    job: StageJob
    stack: AdapterStack
    below: dict[str, torch.Tensor]
    engine: Any
    plan: Plan
    usable: UsableSamples
    family: Any
    rank: int
    num_workers: int
    vectors: VisionShards | None

    @property
    def shape(self) -> Shape:
        recipe = self.job.recipe
        return Shape(self.num_workers, recipe.zero.stage, recipe.workers.dtype)

    def steps(self, first: int, stop: int) -> list[float]:
        """The losses of some steps."""
        learner = Learner(self.engine, self.job.seed, self.rank, self.num_workers)
        return [
            learner.step(
                step,
                [self._batch(slot) for slot in self.plan.slots(step, self.rank, self.num_workers)],
                int(self.usable.num_learnt[self.plan.step(step)].sum()),
            ).loss
            for step in range(first, stop)
        ]

    def _batch(self, slot: Any) -> SlotBatch:
        samples = [self.usable.samples[index] for index in slot.indices]
        if self.vectors is not None:
            batch = collate_vectors(self.family, samples, self.vectors)
            return SlotBatch(batch, slot.is_filler)
        pictures = [Path(sample.uri).read_bytes() for sample in samples]
        return SlotBatch(collate(self.family, samples, pictures), slot.is_filler)


def start(
    recipe: TrainRecipe, number: int, rank: int, num_workers: int, resume: Path | None = None
) -> BareRun:
    """A stage at its beginning, or at a checkpoint's step with the checkpoint's adapter alone."""
    job = StageJob(recipe, number, Path(recipe.output))
    family = load_base(recipe)
    table = stage_samples(recipe.samples, job.stage.adapter, "train")
    measures: pa.Table = MeasureLengths(family)([Sample.from_row(row) for row in table.to_pylist()])
    usable = usable_samples(table, measures, recipe.batches.max_length)
    plan = Plan(usable.num_tokens, recipe.batches, job.stage.num_epochs, job.seed)
    vectors = filled_cache(job)
    stack = build_stack(family, job)
    below = frozen_adapters(stack)
    step = 0
    if resume is not None:
        checkpoint = read_checkpoint(resume)
        put_weights(stack.model, checkpoint.adapter())
        step = checkpoint.step
    engine = start_engine(
        stack.model,
        recipe,
        num_workers=num_workers,
        num_rounds=plan.num_rounds(num_workers),
        num_steps=plan.num_steps,
        learning_rate=job.learning_rate,
        step=step,
    )
    return BareRun(job, stack, below, engine, plan, usable, family, rank, num_workers, vectors)


def filled_cache(job: StageJob) -> VisionShards | None:
    """The recipe's cache with all that the stage needs, filled without Ray."""
    if job.recipe.vision_cache is None:
        return None
    pictures = pictures_of(job)
    assert missing_features(job.recipe, pictures["image_id"].to_pylist()).problem is None
    StoreVisionFeatures(job.recipe)(pictures)
    return cached_vectors(load_base(job.recipe), job.recipe, ())


def two_workers(rank: int, recipes: dict[str, str], port: int, out: str) -> None:
    """Each recipe's two stages, straight and through a checkpoint; losses as JSON from rank 0."""
    torch.set_num_threads(1)
    os.environ.update(
        RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2", LOCAL_WORLD_SIZE="2",
        MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port),
    )  # fmt: skip
    prepare_deepspeed(use_gpu=False)
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
    found = {
        name: _both_stages(TrainRecipe.model_validate_json(text), rank, Path(out) / name)
        for name, text in recipes.items()
    }
    if rank == 0:
        (Path(out) / "losses.json").write_text(json.dumps(found))
    torch.distributed.destroy_process_group()


def num_released(module: torch.nn.Module) -> int:
    """Trained tensors of which this worker holds its own part only."""
    trained = [one for one in module.parameters() if one.requires_grad]
    return sum(one.numel() == 0 and hasattr(one, "ds_tensor") for one in trained)


def _both_stages(recipe: TrainRecipe, rank: int, out: Path) -> dict[str, list[float]]:
    """Each stage straight through; the last also from a checkpoint, and that one is exported.

    "released": how many trained tensors no worker holds whole between two steps.
    """
    found: dict[str, list[float]] = {}
    for number, stage in enumerate(recipe.stages):
        run = start(recipe, number, rank, 2)
        half, last = run.plan.num_steps // 2, run.plan.num_steps
        losses = run.steps(0, half)
        checkpoint = out / f"checkpoint-{stage.adapter}"
        write_checkpoint(run.engine, checkpoint, half, run.shape, rank)
        found[stage.adapter] = losses + run.steps(half, last)
        torch.distributed.barrier()
        if number == len(recipe.stages) - 1:
            run = start(recipe, number, rank, 2)
            read_checkpoint(checkpoint).restore(run.engine)
            found["resumed"] = run.steps(half, last)
            found["released"] = [float(num_released(run.engine.module))]
        export_adapters(run.engine, run.stack, run.below, run.job.adapters, rank)
        torch.distributed.barrier()
    return found
