"""A stage on Ray Train: workers started, replaced when they die, and their checkpoints kept."""

from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchConfig, TorchTrainer
from ray.train.v2.api.exceptions import TrainingFailedError, WorkerGroupError

from georay.errors import TrainingStopped
from georay.training.loop import Outcome, train_stage
from georay.training.stages import StageJob

_STALLED_SECONDS = 600


def fit_stage(job: StageJob) -> Outcome:
    """Trains a stage on the connected cluster, from its last checkpoint if it has one.

    Raises TrainingStopped with what stopped it: a loss that grows, an adapter that does not fit,
    or workers that died more often than the recipe allows.
    """
    recipe, workers = job.recipe, job.recipe.workers
    resources = {"CPU": workers.cpus_per_worker} | ({"GPU": 1} if workers.use_gpu else {})
    trainer = TorchTrainer(
        lambda: train_stage(job),
        scaling_config=ScalingConfig(
            num_workers=workers.num_workers,
            use_gpu=workers.use_gpu,
            resources_per_worker=resources,
        ),
        # The same name and folder as before: Ray Train goes on from the newest checkpoint there.
        run_config=RunConfig(
            name=job.stage.adapter,
            storage_path=str(job.run / "checkpoints"),
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


def _explained(job: StageJob, problem: TrainingFailedError) -> str:
    """Each worker's own words, without Ray's traceback."""
    failures = problem.worker_failures if isinstance(problem, WorkerGroupError) else {}
    causes = {str(cause).strip().rpartition("\n")[2] for cause in failures.values()}
    words = "; ".join(sorted(causes)) or str(problem)
    return (
        f"stage {job.stage.adapter} stopped after {job.recipe.workers.max_failures} restarts: "
        f"{words}. Run the same command again to go on from the last checkpoint"
    )
