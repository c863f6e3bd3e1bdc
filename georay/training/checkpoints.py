"""Checkpoints of a stage: DeepSpeed's state, and the adapter by itself.

The state of ZeRO fits one number of workers only. The adapter's weights fit any, so a run that is
resumed with others goes on from them, at the same step, with a fresh optimizer.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save
from torch import Tensor

from georay.core.manifest import write_atomic, write_json
from georay.core.paths import AnyPath
from georay.runtime.checkpoint_list import set_damaged_list_aside
from georay.training.engine import whole_weights

FACTS, ADAPTER, STATE = "georay.json", "adapter.safetensors", "deepspeed"


@dataclass(frozen=True)
class Shape:
    """The numbers that must be equal for DeepSpeed's state to fit."""

    num_workers: int
    zero_stage: int
    precision: str


@dataclass(frozen=True)
class Checkpoint:
    """A stage's state on disk: `step` steps are done."""

    folder: Path
    step: int
    shape: Shape

    def adapter(self) -> dict[str, Tensor]:
        """The trained weights by parameter name, whole and in float32."""
        return load_file(self.folder / ADAPTER)

    def restore(self, engine: Any) -> None:
        """Weights, optimizer and schedule into an engine of the same shape; all workers together.

        Raises ValueError if the state does not belong to this step.
        """
        _, facts = engine.load_checkpoint(
            str(self.folder), tag=STATE, load_module_strict=False, load_lr_scheduler_states=True
        )
        if facts is None or facts.get("step") != self.step:
            raise ValueError(f"the checkpoint {self.folder} is damaged: remove it and run again")


def write_checkpoint(engine: Any, folder: Path, step: int, shape: Shape, rank: int) -> None:
    """Writes this worker's part of a checkpoint; all workers together, each to its own folder."""
    engine.save_checkpoint(
        str(folder),
        tag=STATE,
        client_state={"step": step},
        save_latest=False,
        exclude_frozen_parameters=True,
    )
    weights = whole_weights(engine)
    if rank == 0:
        write_atomic(folder / ADAPTER, save(weights))
        write_json(folder / FACTS, {"step": step, "shape": asdict(shape)})


def set_damaged_aside(storage: AnyPath) -> str | None:
    """Sets Ray Train's list of checkpoints aside if it, or one that it names, cannot be read.

    storage: the folder of a stage's checkpoints. Returns a note on it, for a person.
    """
    problem = set_damaged_list_aside(storage, _step_and_shape)
    if problem is None:
        return None
    return f"the stage starts anew, its checkpoints cannot be read: {problem}"


def read_checkpoint(folder: Path) -> Checkpoint:
    """Raises ValueError if the folder holds no checkpoint."""
    return Checkpoint(folder, *_step_and_shape(folder))


def _step_and_shape(folder: AnyPath) -> tuple[int, Shape]:
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        return int(facts["step"]), Shape(**facts["shape"])
    except (OSError, KeyError, TypeError, json.JSONDecodeError) as problem:
        raise ValueError(f"{folder} is not a checkpoint: {problem}") from problem
