"""The training function of every Ray Train worker: measure, feed, learn, checkpoint, export."""

import shutil
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import ray.data
import ray.train
import ray.train.torch
import torch
import torch.distributed
from ray.data import DataContext, TaskPoolStrategy

from georay.config.train import TrainWorkersRecipe
from georay.core.allocator import keep_freed_memory
from georay.core.manifest import digest, write_table
from georay.core.paths import AnyPath, open_input
from georay.models.families.base import Family
from georay.training.agreement import all_or_none, as_first_worker, wait_until_seen
from georay.training.checkpoints import Checkpoint, Shape, read_checkpoint, write_checkpoint
from georay.training.collate import MEASURES, MeasureLengths, Sample, collate
from georay.training.engine import prepare_deepspeed, put_weights, start_engine
from georay.training.learner import Learner, SlotBatch
from georay.training.pictures import ReadPictures
from georay.training.plan import Plan, Slot
from georay.training.prefetch import AHEAD, prefetched
from georay.training.samples import stage_samples
from georay.training.stages import (
    StageJob,
    build_stack,
    export_adapters,
    frozen_adapters,
    load_in_turn,
)
from georay.training.trackers import TrackedStage, open_trackers
from georay.training.usable import UsableSamples, usable_samples
from georay.training.vision import cached_vectors, collate_vectors
from georay.training.watch import Guard, StepLog, StepRecord, add_note, read_notes, read_steps

_ROWS_PER_BLOCK = 16


@dataclass(frozen=True)
class Outcome:
    """The outcome of a stage. problem: why it stopped, for a person.

    losses are means over the answers' tokens in nats: of the last step's training samples, and of
    the validation samples at the end (None without any). padding_share: of the input's tokens.
    """

    num_steps: int = 0
    num_samples: int = 0
    num_validation: int = 0
    train_loss: float | None = None
    validation_loss: float | None = None
    padding_share: float = 0.0
    left_out: dict[str, str] | None = None
    notes: tuple[str, ...] = ()
    problem: str | None = None


def train_stage(job: StageJob, learner: type[Learner] = Learner) -> Outcome:
    """The training function of Ray Train: one stage on this worker, from its last checkpoint.

    learner: takes the steps; a benchmark gives one that watches them.
    """
    recipe, context = job.recipe, ray.train.get_context()
    rank, num_workers = context.get_world_rank(), context.get_world_size()
    if not recipe.workers.use_gpu:
        keep_freed_memory()
        torch.set_num_threads(recipe.workers.threads)
    prepare_deepspeed(recipe.workers.use_gpu)
    try:
        stage = _Stage(job, rank, num_workers, learner)
    except ValueError as problem:
        # Every worker raises it, and would again if it were replaced: say it, do not retry.
        return Outcome(problem=str(problem))
    return stage.run()


class _Stage:
    """One worker's view of a stage."""

    def __init__(self, job: StageJob, rank: int, num_workers: int, learner: type[Learner]) -> None:
        self._job, self._rank, self._num_workers = job, rank, num_workers
        recipe = job.recipe
        self._shape = Shape(num_workers, recipe.zero.stage, recipe.workers.dtype)
        _remove_leftovers(job)
        self._device = ray.train.torch.get_device()
        with all_or_none():
            self._family = load_in_turn(job, self._device)
        self._learnt, self._held_out = _stage_samples(self._family, job, rank, num_workers)
        if not self._learnt.samples:
            raise ValueError(
                f"no sample of stage {job.stage.adapter!r} and split 'train' can be learnt: "
                f"{self._learnt.note() or 'there is none'}"
            )
        self._plan = Plan(
            self._learnt.num_tokens,
            recipe.batches,
            job.stage.num_epochs,
            job.seed,
            job.stage.max_steps,
        )
        for name in job.below:
            wait_until_seen(job.adapters / name)
        with all_or_none():
            self._vectors = cached_vectors(self._family, recipe, self._image_ids())
            self._stack = build_stack(self._family, job)
        self._below = frozen_adapters(self._stack) if rank == 0 else {}
        for note in (self._learnt.note(), self._held_out.note()):
            if note is not None:
                self._say(note)
        self._first, self._engine = self._start()
        self._learner = learner(self._engine, job.seed, rank, num_workers)

    def _start(self) -> tuple[int, Any]:
        """The step to go on at, and an engine that stands there."""
        found = ray.train.get_checkpoint()
        if found is None:
            return 0, self._engine_at(0)
        with found.as_directory() as folder:
            wait_until_seen(Path(folder))
            return self._resume(read_checkpoint(Path(folder)))

    def _resume(self, checkpoint: Checkpoint) -> tuple[int, Any]:
        if checkpoint.shape == self._shape:
            engine = self._engine_at(0)
            checkpoint.restore(engine)
            return checkpoint.step, engine
        self._say(
            f"resumed at step {checkpoint.step:,} with {_in_words(self._shape)}, where the "
            f"checkpoint was of {_in_words(checkpoint.shape)}: the adapter's weights go on, the "
            "optimizer starts anew"
        )
        weights = {name: one.to(self._device) for name, one in checkpoint.adapter().items()}
        put_weights(self._stack.model, weights)
        return checkpoint.step, self._engine_at(checkpoint.step)

    def _engine_at(self, step: int) -> Any:
        return start_engine(
            self._stack.model,
            self._job.recipe,
            num_workers=self._num_workers,
            num_rounds=self._plan.num_rounds(self._num_workers),
            num_steps=self._plan.num_steps,
            learning_rate=self._job.learning_rate,
            step=step,
        )

    def run(self) -> Outcome:
        """To the last step, or to a step that the guard stops at."""
        last, problem = self._learn()
        if problem is not None:
            return Outcome(problem=problem)
        validation_loss = self._validate()
        export_adapters(self._engine, self._stack, self._below, self._job.adapters, self._rank)
        return Outcome(
            num_steps=self._plan.num_steps,
            num_samples=len(self._learnt.samples),
            num_validation=len(self._held_out.samples),
            train_loss=last,
            validation_loss=validation_loss,
            padding_share=self._plan.padding_share(self._num_workers),
            left_out=self._learnt.left_out | self._held_out.left_out,
            notes=tuple(read_notes(self._job.notes)),
        )

    def _learn(self) -> tuple[float | None, str | None]:
        """The last step's loss, and why training stopped early if it did."""
        recipe = self._job.recipe
        before = [one for one in read_steps(self._job.steps) if one.step < self._first]
        before = as_first_worker(before)
        guard = Guard(recipe.watch, before)
        loss = before[-1].loss if before else None
        feed = self._feed(self._plan, self._learnt, self._first)
        since = time.perf_counter()
        with closing(feed), self._open_log() as log:
            for step in range(self._first, self._plan.num_steps):
                record = self._advance(step, feed, since)
                since, loss = since + record.seconds, record.loss
                if log is not None:
                    log.write(record)
                if problem := guard.problem(record, self._sample_ids(step)):
                    return loss, problem
                if (step + 1) % recipe.checkpoints.every == 0 and step + 1 < self._plan.num_steps:
                    if log is not None:
                        log.keep()
                    self._checkpoint(step + 1)
        return loss, None

    def _advance(self, step: int, feed: Iterator[SlotBatch], since: float) -> StepRecord:
        """since: when the step before ended, on the clock of `perf_counter`."""
        samples = self._plan.step(step)
        slots = islice(feed, self._plan.num_rounds(self._num_workers))
        result = self._learner.step(step, slots, int(self._learnt.num_learnt[samples].sum()))
        return StepRecord(
            step=step,
            loss=result.loss,
            learning_rate=result.learning_rate,
            grad_norm=result.grad_norm,
            num_samples=len(samples),
            num_tokens=int(self._learnt.num_tokens[samples].sum()),
            seconds=time.perf_counter() - since,
        )

    def _validate(self) -> float | None:
        """The mean loss over the held-out samples; None without any."""
        held_out = self._held_out
        if not held_out.samples:
            return None
        plan = Plan(held_out.num_tokens, self._job.recipe.batches, 1, self._job.seed)
        feed, rounds = self._feed(plan, held_out, 0), plan.num_rounds(self._num_workers)
        steps = (
            (islice(feed, rounds), int(held_out.num_learnt[plan.step(step)].sum()))
            for step in range(plan.num_steps)
        )
        return self._learner.mean_loss(steps)

    def _feed(
        self, plan: Plan, usable: UsableSamples, first: int
    ) -> Generator[SlotBatch, None, None]:
        if (vectors := self._vectors) is not None:
            slots = (
                slot
                for step in range(first, plan.num_steps)
                for slot in plan.slots(step, self._rank, self._num_workers)
            )

            def read(slot: Slot) -> SlotBatch:
                samples = [usable.samples[index] for index in slot.indices]
                return SlotBatch(collate_vectors(self._family, samples, vectors), slot.is_filler)

            return prefetched(slots, read)
        workers = self._job.recipe.workers
        rows = _rows(plan, usable.samples, first, self._rank, self._num_workers, workers)

        def make(row: dict[str, Any]) -> SlotBatch:
            samples = [usable.samples[index] for index in row["indices"]]
            return SlotBatch(collate(self._family, samples, row["pictures"]), row["is_filler"])

        return prefetched(rows, make)

    def _say(self, note: str) -> None:
        """Kept with the stage, so that what happened before a resume is reported at the end too."""
        if self._rank == 0:
            add_note(self._job.notes, note)

    def _checkpoint(self, step: int) -> None:
        """Written beside the training and carried to the run's folder behind its back."""
        folder = Path(tempfile.mkdtemp(prefix=_scratch_prefix(self._job)))
        write_checkpoint(self._engine, folder, step, self._shape, self._rank)
        ray.train.report(
            {"step": step},
            checkpoint=ray.train.Checkpoint.from_directory(folder),
            checkpoint_upload_mode=ray.train.CheckpointUploadMode.ASYNC,
            delete_local_checkpoint_after_upload=True,
        )

    def _open_log(self) -> AbstractContextManager[StepLog | None]:
        """The stage's log, which the first worker writes."""
        if self._rank != 0:
            return nullcontext()
        tracked = TrackedStage(self._job.run, self._job.stage.adapter, self._first)
        trackers = open_trackers(self._job.recipe.watch.trackers, tracked)
        return closing(StepLog(self._job.steps, trackers, self._first))

    def _image_ids(self) -> set[str]:
        """Of the pictures that are learnt from or held out."""
        return {one.image_id for one in (*self._learnt.samples, *self._held_out.samples)}

    def _sample_ids(self, step: int) -> list[str]:
        return [self._learnt.samples[index].sample_id for index in self._plan.step(step)]


def _scratch_prefix(job: StageJob) -> str:
    return f"georay-checkpoint-{digest(str(job.folder))}-"


def _remove_leftovers(job: StageJob) -> None:
    """Checkpoints of this stage that a killed worker of this machine did not carry away."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_scratch_prefix(job)}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _in_words(shape: Shape) -> str:
    workers = "1 worker" if shape.num_workers == 1 else f"{shape.num_workers} workers"
    return f"{workers}, ZeRO {shape.zero_stage}, {shape.precision}"


def _stage_samples(
    family: Family, job: StageJob, rank: int, num_workers: int
) -> tuple[UsableSamples, UsableSamples]:
    """What is learnt, and what is held out to validate on."""
    recipe = job.recipe
    learnt, held_out = (
        stage_samples(recipe.samples, job.stage.adapter, split) for split in ("train", "validation")
    )
    held_out = held_out.slice(0, recipe.watch.max_validation)
    measures = _measures(
        family, pa.concat_tables([learnt, held_out]), job.measures, rank, num_workers
    )
    longest = recipe.batches.max_length
    return usable_samples(learnt, measures, longest), usable_samples(held_out, measures, longest)


def _measures(
    family: Family, samples: pa.Table, kept: AnyPath, rank: int, num_workers: int
) -> pa.Table:
    """Every sample's length: each worker measures its share, once for the whole run."""
    before = as_first_worker(_measured_before(kept) if rank == 0 else None)
    # Until the first checkpoint, what could not be read may have come back meanwhile.
    if before is not None and (
        ray.train.get_checkpoint() is not None or before["error"].null_count == len(before)
    ):
        return before
    mine = [Sample.from_row(row) for row in samples.to_pylist()[rank::num_workers]]
    parts: list[Any] = [None] * num_workers
    torch.distributed.all_gather_object(parts, MeasureLengths(family)(mine))
    measures = pa.concat_tables(parts)
    if rank == 0:
        write_table(kept, measures)
    return measures


def _measured_before(kept: AnyPath) -> pa.Table | None:
    """The lengths of an earlier start; None if there was none, or they are damaged."""
    try:
        return pq.read_table(open_input(kept), schema=MEASURES)
    except (OSError, pa.ArrowException):
        return None


def _rows(
    plan: Plan,
    samples: tuple[Sample, ...],
    first: int,
    rank: int,
    num_workers: int,
    workers: TrainWorkersRecipe,
) -> Iterator[dict[str, Any]]:
    """This worker's slots from a step on, in their order, with their pictures' bytes.

    Ray Data reads ahead; an epoch is one dataset. The order and the shares are the plan's and not
    Ray Data's, whose splits would differ from run to run. The dataset is made `from_blocks`:
    `from_arrow` waits for a whole free CPU slot, and workers may leave less than one.
    """
    context = DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    per_epoch = plan.steps_per_epoch
    for start in range(first - first % per_epoch, plan.num_steps, per_epoch):
        steps = range(max(first, start), min(start + per_epoch, plan.num_steps))
        table = _slot_table(plan, samples, steps, rank, num_workers)
        blocks = [
            table.slice(offset, _ROWS_PER_BLOCK)
            for offset in range(0, table.num_rows, _ROWS_PER_BLOCK)
        ]
        read = ray.data.from_blocks(blocks).map_batches(
            ReadPictures(),
            batch_size=AHEAD,
            batch_format="pyarrow",
            num_cpus=workers.cpus_per_read,
            compute=TaskPoolStrategy(size=workers.reads_per_worker),
        )
        for batch in read.iter_batches(
            batch_size=AHEAD, batch_format="pyarrow", prefetch_batches=1
        ):
            yield from batch.to_pylist()


def _slot_table(
    plan: Plan, samples: tuple[Sample, ...], steps: Iterable[int], rank: int, num_workers: int
) -> pa.Table:
    rows = [
        {
            "indices": list(slot.indices),
            "is_filler": slot.is_filler,
            "uris": [samples[index].source.file for index in slot.indices],
        }
        for step in steps
        for slot in plan.slots(step, rank, num_workers)
    ]
    return pa.Table.from_pylist(rows)
