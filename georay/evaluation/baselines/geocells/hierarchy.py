"""Partitions from coarse to fine: each level has a loss, and the finest answers with all."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Self

import torch
from torch import Tensor

from georay.config.baselines import (
    BackboneRecipe,
    GeoDecoderRecipe,
    ISNsRecipe,
    PartitionRecipe,
    TranslocatorRecipe,
)
from georay.core.gazetteer import Place
from georay.evaluation.baselines.answers import Spots, towns_from_json, towns_to_json
from georay.evaluation.baselines.backbones import backbone_config
from georay.evaluation.baselines.geocells.cells import Partition
from georay.evaluation.baselines.geocells.spots import (
    cell_loss,
    cell_towns,
    classes_of,
    left_out_note,
    located,
    partition_of,
)
from georay.evaluation.datasets import KnownPicture
from georay.models.locations import Location


def facts_of(
    system: ISNsRecipe | TranslocatorRecipe | GeoDecoderRecipe,
    backbone: BackboneRecipe,
    image_size: int,
    pictures: Sequence[KnownPicture],
) -> dict[str, Any]:
    """What the systems with levels of cells are built from; see `protocol.Baseline.facts`."""
    levels = Hierarchy.build(pictures, system.partitions)
    return {
        "backbone": backbone_config(backbone, image_size),
        "hierarchy": levels.to_json(),
        "notes": levels.notes(len(pictures), system.partitions),
    }


class Hierarchy:
    """Levels of cells; each cell lies in one of the level before."""

    def __init__(self, levels: Sequence[Partition], towns: Sequence[Place]) -> None:
        """towns: of the finest cells."""
        self.levels, self.towns = list(levels), list(towns)
        self._parents = [torch.from_numpy(self.finest.parents(one)) for one in self.levels]

    @classmethod
    def build(cls, pictures: Sequence[KnownPicture], recipes: Sequence[PartitionRecipe]) -> Self:
        """Of training pictures. Raises ValueError if a level has no cell with enough of them."""
        levels = [partition_of(pictures, one) for one in recipes]
        return cls(levels, cell_towns(pictures, levels[-1]))

    @property
    def finest(self) -> Partition:
        return self.levels[-1]

    @property
    def sizes(self) -> list[int]:
        """Classes of each level."""
        return [len(level) for level in self.levels]

    def targets(self, pictures: Sequence[KnownPicture]) -> list[Tensor]:
        """The class of each picture at each level."""
        return [classes_of(pictures, level) for level in self.levels]

    def loss(self, logits: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
        """The sum of the levels' mean cross-entropies."""
        return torch.stack([cell_loss(*pair) for pair in zip(logits, targets, strict=True)]).sum()

    def joint(self, logits: Sequence[Tensor]) -> Tensor:
        """[N, finest cells] log-probabilities, each cell's times those of the cells around it."""
        pairs = zip(logits, self._parents, strict=True)
        levels = [one.double().log_softmax(dim=-1)[:, up.to(one.device)] for one, up in pairs]
        return torch.stack(levels).sum(dim=0).log_softmax(dim=-1)

    def locations(self, logits: Sequence[Tensor], top_k: int) -> list[Location]:
        """A location for each picture."""
        return located(self._spots, self.joint(logits), top_k)

    @cached_property
    def _spots(self) -> Spots:
        return Spots(self.finest.latitude, self.finest.longitude, self.towns)

    def notes(self, num_pictures: int, recipes: Sequence[PartitionRecipe]) -> list[str]:
        """What is not learnt at the finest level."""
        return left_out_note(num_pictures, self.finest, recipes[-1])

    def to_json(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        levels = [level.to_json() for level in self.levels]
        return {"levels": levels, "towns": towns_to_json(self.towns)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """What `to_json` wrote."""
        levels = [Partition.from_json(level) for level in content["levels"]]
        return cls(levels, towns_from_json(content["towns"]))
