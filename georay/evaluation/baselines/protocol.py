"""What every system is to the code around it: a network with a loss, which names places."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from georay.config.baselines import BaselineRecipe
from georay.evaluation.datasets import KnownPicture
from georay.models.locations import Location

Facts = dict[str, Any]
"""What a network is built from besides its recipe, as JSON has it: classes, cells, sizes."""


@dataclass(frozen=True)
class Views:
    """What a network sees of some pictures.

    pixels: [N, 3, S, S] in [0, 1]. classes: ADE20K ids [N, S, S], where the system sees scenes.
    """

    pixels: Tensor
    classes: Tensor | None = None

    def to(self, device: str) -> "Views":
        """The same on a device."""
        classes = None if self.classes is None else self.classes.to(device)
        return Views(self.pixels.to(device), classes)

    def scene_classes(self) -> Tensor:
        """The ids, where the system sees scenes."""
        assert self.classes is not None, "a system that sees scenes says so"
        return self.classes


@dataclass(frozen=True)
class Card:
    """For people: where a system comes from, what of it is the paper's, and what is ours."""

    title: str
    paper: str
    papers: str
    ours: str


class Baseline(nn.Module, ABC):
    """One system. Called with views and what is true of their pictures, it gives the loss.

    sees_scenes: whether its views hold the classes of pixels; if so, its recipe has a segmenter.
    """

    card: ClassVar[Card]
    sees_scenes: ClassVar[Literal["never", "learning", "always"]] = "never"

    @classmethod
    @abstractmethod
    def facts(cls, recipe: BaselineRecipe, pictures: Sequence[KnownPicture]) -> Facts:
        """What the training pictures decide. Raises ValueError where they do not suffice."""

    @abstractmethod
    def __init__(self, recipe: BaselineRecipe, facts: Facts) -> None:
        """Builds the network with random weights; `start` gives it published ones."""
        super().__init__()

    def start(self) -> None:
        """Loads the published weights that training starts from. Raises ModelUnavailable."""

    @abstractmethod
    def forward(self, views: Views, pictures: Sequence[KnownPicture]) -> Tensor:
        """The mean loss over the pictures, whose coordinates are all known."""

    @abstractmethod
    def locations(self, views: Views, top_k: int) -> list[Location]:
        """Where each picture was taken, with at most `top_k` countries as candidates."""
