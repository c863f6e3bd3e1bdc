"""What the workers of a training are given, and what they report."""

from dataclasses import dataclass

from georay.config.baselines import BaselineRecipe
from georay.core.paths import AnyPath
from georay.evaluation.baselines.protocol import Facts
from georay.evaluation.datasets import KnownPicture


@dataclass(frozen=True)
class BaselineJob:
    """What the workers are given. storage: the run's folder, which all of them see."""

    recipe: BaselineRecipe
    facts: Facts
    pictures: tuple[KnownPicture, ...]
    storage: AnyPath

    @property
    def progress(self) -> AnyPath:
        """Where the first worker writes how far it is, for the run's progress."""
        return self.storage / "progress.json"


@dataclass(frozen=True)
class Outcome:
    """What training tells its run. problem: why it cannot go on, for a person."""

    num_pictures: int = 0
    num_steps: int = 0
    minutes: float = 0.0
    loss: float = 0.0
    left_out: dict[str, str] | None = None
    problem: str | None = None
