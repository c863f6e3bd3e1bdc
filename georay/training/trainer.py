"""A stage on Ray Train: workers started, replaced when they die, and their checkpoints kept."""

from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.compute
import ray
import ray.data
from ray.data import ActorPoolStrategy, DataContext
from ray.exceptions import RayError
from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchConfig, TorchTrainer
from ray.train.v2.api.exceptions import TrainingFailedError, WorkerGroupError

from georay.errors import TrainingStopped
from georay.runtime.checkpoint_list import as_ray_takes_it
from georay.training.checkpoints import set_damaged_aside
from georay.training.loop import Outcome, train_stage
from georay.training.stages import StageJob
from georay.training.vision import MissingFeatures, missing_features, pictures_of
from georay.training.vision_cache import StoreVisionFeatures
from georay.training.watch import add_note

_STALLED_SECONDS = 600
_BATCHES_PER_BLOCK = 4


def missing_vectors(job: StageJob) -> MissingFeatures:
    """What the recipe's vision cache lacks of the stage's pictures, before any of it is computed.

    A worker looks, since the base is loaded there anyway. Raises TrainingStopped if there can be
    no cache.
    """
    ids = pictures_of(job)["image_id"].to_pylist()
    look = ray.remote(num_cpus=job.recipe.workers.cpus_per_worker)(missing_features)
    missing = ray.get(look.remote(job.recipe, ids))
    if missing.problem is not None:
        raise TrainingStopped(f"stage {job.stage.adapter}: {missing.problem}")
    return missing


def fill_vision_cache(job: StageJob, features: MissingFeatures) -> Iterator[bool]:
    """Computes what is lacking on Ray Data; yields for each picture whether it could be seen."""
    DataContext.get_current().enable_progress_bars = False
    recipe, workers, pictures = job.recipe, job.recipe.workers, pictures_of(job)
    missing = pictures.filter(pa.compute.is_in(pictures["image_id"], pa.array(features.image_ids)))
    batch = recipe.batches.micro_batch
    rows = batch * _BATCHES_PER_BLOCK
    blocks = [missing.slice(start, rows) for start in range(0, missing.num_rows, rows)]
    stored = ray.data.from_blocks(blocks).map_batches(
        StoreVisionFeatures,
        fn_constructor_args=(recipe,),
        batch_size=batch,
        batch_format="pyarrow",
        compute=ActorPoolStrategy(size=min(workers.num_workers, len(blocks))),
        num_cpus=workers.cpus_per_worker,
        num_gpus=1 if workers.use_gpu else None,
    )
    try:
        for row in stored.iter_rows():
            yield row["error"] is None
    except RayError as problem:
        raise TrainingStopped(
            f"stage {job.stage.adapter}: the vision cache could not be filled: "
            f"{_last_line(problem)}. What is stored stays; run again"
        ) from problem


def fit_stage(job: StageJob, work: Callable[[StageJob], Outcome] = train_stage) -> Outcome:
    """Trains a stage on the connected cluster, from its last checkpoint if it has one.

    work: what every worker does.
    Raises TrainingStopped with what stopped it: a loss that grows, an adapter that does not fit,
    or workers that died more often than the recipe allows.
    """
    recipe, workers = job.recipe, job.recipe.workers
    _check_room(job)
    storage, filesystem = as_ray_takes_it(job.checkpoints)
    if note := set_damaged_aside(job.checkpoints / job.stage.adapter):
        add_note(job.notes, note)
    resources = {"CPU": workers.cpus_per_worker} | ({"GPU": 1} if workers.use_gpu else {})
    trainer = TorchTrainer(
        lambda: work(job),
        scaling_config=ScalingConfig(
            num_workers=workers.num_workers,
            use_gpu=workers.use_gpu,
            resources_per_worker=resources,
        ),
        # The same name and folder as before: Ray Train goes on from the newest checkpoint there.
        run_config=RunConfig(
            name=job.stage.adapter,
            storage_path=storage,
            storage_filesystem=filesystem,
            failure_config=FailureConfig(max_failures=workers.max_failures),
            checkpoint_config=CheckpointConfig(num_to_keep=recipe.checkpoints.keep),
        ),
        torch_config=TorchConfig(
            backend="nccl" if workers.use_gpu else "gloo", timeout_s=_STALLED_SECONDS
        ),
    )
    try:
        outcome = trainer.fit().return_value
    except TrainingFailedError as problem:
        raise TrainingStopped(_explained(job, problem)) from problem
    assert isinstance(outcome, Outcome)
    if outcome.problem is not None:
        raise TrainingStopped(f"stage {job.stage.adapter} stopped: {outcome.problem}")
    return outcome


def _check_room(job: StageJob) -> None:
    """Says what the cluster has not. Ray would wait for it, silently and for ever.

    Raises TrainingStopped on a private cluster, which cannot grow; another one may, and is waited
    for with a note.
    """
    workers, there = job.recipe.workers, ray.cluster_resources()
    # One slot for reading more: pictures are read beside the workers, or not at all.
    needed = {"CPU": workers.num_workers * workers.cpus_per_worker + workers.cpus_per_read}
    if workers.use_gpu:
        needed["GPU"] = workers.num_workers
    short = [
        f"{amount:g} {kind} slots, and the cluster has {there.get(kind, 0):g}"
        for kind, amount in needed.items()
        if there.get(kind, 0) < amount
    ]
    if not short:
        return
    words = f"{workers.num_workers} workers and their reading need {'; '.join(short)}"
    if job.recipe.cluster.address == "local":
        raise TrainingStopped(
            f"stage {job.stage.adapter}: {words}. Set a lower workers.num_workers or "
            "workers.cpus_per_worker"
        )
    add_note(job.notes, f"waiting for nodes: {words}")


def _explained(job: StageJob, problem: TrainingFailedError) -> str:
    """Each worker's own words, without Ray's traceback."""
    failures = problem.worker_failures if isinstance(problem, WorkerGroupError) else {}
    causes = {_last_line(cause) for cause in failures.values()}
    words = "; ".join(sorted(causes)) or str(problem)
    return (
        f"stage {job.stage.adapter} stopped after {job.recipe.workers.max_failures} restarts: "
        f"{words}. Run the same command again to go on from the last checkpoint"
    )


def _last_line(problem: BaseException) -> str:
    """What was raised, without the remote traceback above it."""
    return str(problem).strip().rpartition("\n")[2]
