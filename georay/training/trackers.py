"""Experiment trackers: TensorBoard, Weights & Biases, MLflow."""

import importlib.util
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from georay.config.train import TrackerName
from georay.core.manifest import write_atomic
from georay.core.paths import AnyPath, copy_folder

PROJECT = "georay"


class Tracker(Protocol):
    """Takes the figures of one step after the other."""

    def write(self, step: int, curves: Mapping[str, float]) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class TrackedStage:
    """One stage as a tracker sees it. first: the step that comes next, 0 unless it was resumed."""

    run: AnyPath
    stage: str
    first: int = 0

    @property
    def title(self) -> str:
        return f"{self.run.name}: {self.stage}"


class TensorBoard:
    """Event files in the run's folder."""

    def __init__(self, tracked: TrackedStage) -> None:
        from tensorboardX import SummaryWriter

        self._kept = tracked.run / "tensorboard" / tracked.stage
        self._here = _folder_here(self._kept)
        self._writer = SummaryWriter(str(self._here), purge_step=tracked.first, flush_secs=10)

    def write(self, step: int, curves: Mapping[str, float]) -> None:
        for name, value in curves.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()
        if self._here != self._kept:
            copy_folder(self._here, self._kept)
            shutil.rmtree(self._here, ignore_errors=True)


class WeightsAndBiases:
    """A run of Weights & Biases; its own variables say where to and as whom (WANDB_…)."""

    def __init__(self, tracked: TrackedStage) -> None:
        import wandb

        kept = _kept_id(tracked, "wandb", lambda: secrets.token_hex(8))
        self._run = wandb.init(
            project=PROJECT,
            name=tracked.title,
            id=kept,
            resume="allow",
            dir=str(_folder_here(tracked.run)),
        )

    def write(self, step: int, curves: Mapping[str, float]) -> None:
        self._run.log(dict(curves), step=step)

    def close(self) -> None:
        self._run.finish()


class MlFlow:
    """A run of MLflow; MLFLOW_TRACKING_URI says where to."""

    def __init__(self, tracked: TrackedStage) -> None:
        from mlflow import MlflowClient

        self._client: Any = MlflowClient()
        self._id = _kept_id(tracked, "mlflow", lambda: self._begin(tracked.title))

    def _begin(self, title: str) -> str:
        found = self._client.get_experiment_by_name(PROJECT)
        experiment = found.experiment_id if found else self._client.create_experiment(PROJECT)
        return str(self._client.create_run(experiment, run_name=title).info.run_id)

    def write(self, step: int, curves: Mapping[str, float]) -> None:
        for name, value in curves.items():
            self._client.log_metric(self._id, name, value, step=step)

    def close(self) -> None:
        self._client.set_terminated(self._id)


_TRACKERS: Mapping[TrackerName, tuple[str, Callable[[TrackedStage], Tracker]]] = {
    "tensorboard": ("tensorboardX", TensorBoard),
    "wandb": ("wandb", WeightsAndBiases),
    "mlflow": ("mlflow", MlFlow),
}


def check_trackers(names: Iterable[TrackerName]) -> None:
    """Raises ValueError for one that is not installed: before anything is trained."""
    for name in names:
        package, _ = _TRACKERS[name]
        if importlib.util.find_spec(package) is None:
            raise ValueError(
                f"watch.trackers names {name!r}, which is not installed: pip install {package} "
                "on every node, or take it out of the recipe"
            )


def open_trackers(names: Iterable[TrackerName], tracked: TrackedStage) -> list[Tracker]:
    """Opens the trackers that a stage's steps are sent to."""
    return [_TRACKERS[name][1](tracked) for name in names]


def _folder_here(folder: AnyPath) -> Path:
    """The folder, or one here to write to where it lies in a storage."""
    if isinstance(folder, Path):
        return folder
    return Path(tempfile.mkdtemp(prefix="georay-curves-"))


def _kept_id(tracked: TrackedStage, tracker: str, make: Callable[[], str]) -> str:
    """The same id for the same stage, so that a resumed one goes on in the same run."""
    kept = tracked.run / "stages" / tracked.stage / f"{tracker}.txt"
    if tracked.first == 0 or not kept.exists():
        write_atomic(kept, make())
    return kept.read_text(encoding="utf-8")
