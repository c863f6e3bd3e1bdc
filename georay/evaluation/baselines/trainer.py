"""A baseline's training on Ray Train: workers started, replaced when they die, checkpoints kept."""

import logging

import ray
from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchConfig, TorchTrainer
from ray.train.v2.api.exceptions import TrainingFailedError, WorkerGroupError

from georay.errors import TrainingStopped
from georay.evaluation.baselines.job import BaselineJob, Outcome
from georay.evaluation.baselines.learner import check_checkpoint
from georay.evaluation.baselines.loop import train_worker
from georay.runtime.checkpoint_list import as_ray_takes_it, set_damaged_list_aside

_log = logging.getLogger(__name__)

CHECKPOINTS = "checkpoints"


def fit(job: BaselineJob) -> Outcome:
    """Trains on the connected cluster, from the last checkpoint if there is one.

    Raises TrainingStopped with what stopped it.
    """
    recipe, workers = job.recipe, job.recipe.workers
    _check_room(job)
    if problem := set_damaged_list_aside(job.storage / CHECKPOINTS, check_checkpoint):
        _log.warning("training starts anew, its checkpoints cannot be read: %s", problem)
    resources = {"CPU": workers.cpus_per_worker} | ({"GPU": 1} if workers.use_gpu else {})
    storage, filesystem = as_ray_takes_it(job.storage)
    trainer = TorchTrainer(
        lambda: train_worker(job),
        scaling_config=ScalingConfig(
            num_workers=workers.num_workers,
            use_gpu=workers.use_gpu,
            resources_per_worker=resources,
        ),
        # The same name and folder as before: Ray Train goes on from the newest checkpoint there.
        run_config=RunConfig(
            name=CHECKPOINTS,
            storage_path=storage,
            storage_filesystem=filesystem,
            failure_config=FailureConfig(max_failures=workers.max_failures),
            checkpoint_config=CheckpointConfig(num_to_keep=recipe.checkpoints.keep),
        ),
        torch_config=TorchConfig(backend="nccl" if workers.use_gpu else "gloo"),
    )
    try:
        outcome = trainer.fit().return_value
    except TrainingFailedError as problem:
        raise TrainingStopped(_explained(problem)) from problem
    assert isinstance(outcome, Outcome)
    if outcome.problem is not None:
        raise TrainingStopped(f"{recipe.system.name} stopped: {outcome.problem}")
    return outcome


def _check_room(job: BaselineJob) -> None:
    """Raises TrainingStopped for workers that a private cluster never has room for."""
    workers, there = job.recipe.workers, ray.cluster_resources()
    needed = {"CPU": workers.num_workers * workers.cpus_per_worker}
    if workers.use_gpu:
        needed["GPU"] = workers.num_workers
    short = [
        f"{amount:g} {kind} slots, and the cluster has {there.get(kind, 0):g}"
        for kind, amount in needed.items()
        if there.get(kind, 0) < amount
    ]
    if short and job.recipe.cluster.address == "local":
        raise TrainingStopped(
            f"{workers.num_workers} workers need {'; '.join(short)}: lower workers.num_workers"
        )


def _explained(problem: TrainingFailedError) -> str:
    """Each worker's own words, without Ray's traceback."""
    failures = problem.worker_failures if isinstance(problem, WorkerGroupError) else {}
    causes = {str(cause).strip().rpartition("\n")[2] for cause in failures.values()}
    words = "; ".join(sorted(causes)) or str(problem)
    return f"training stopped: {words}. Run the same command again to go on from its checkpoint"
