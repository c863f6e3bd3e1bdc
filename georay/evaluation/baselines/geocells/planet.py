"""PlaNet (Weyand, Kostrikov and Philbin, ECCV 2016).

Its defining idea: geolocation as classification over adaptive S2 cells, split where photographs
are many, dropped where they are few; one softmax over all cells answers.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor, nn

from georay.config.baselines import BaselineRecipe, PlaNetRecipe
from georay.evaluation.baselines.answers import Spots, towns_from_json, towns_to_json
from georay.evaluation.baselines.backbones import Backbone, backbone_config
from georay.evaluation.baselines.geocells.cells import Partition
from georay.evaluation.baselines.geocells.spots import (
    cell_loss,
    cell_towns,
    classes_of,
    left_out_note,
    located,
    partition_of,
)
from georay.evaluation.baselines.protocol import Baseline, Card, Facts, Views
from georay.evaluation.datasets import KnownPicture
from georay.models.locations import Location


class PlaNet(Baseline):
    """A backbone and one linear classifier over cells."""

    card: ClassVar = Card(
        title="PlaNet",
        paper="Weyand, Kostrikov and Philbin: PlaNet, ECCV 2016",
        papers="S2 cells split while they hold more pictures than a maximum, those below a minimum "
        "left out; a softmax over them, trained with cross-entropy. The paper's run: minimum 50, "
        "maximum 10,000, 26,263 cells, 91 million photographs.",
        ours="The backbone (the paper's is an Inception of 2015, not published), AdamW instead of "
        "AdaGrad, a cell's place (the middle of its training pictures) and its town and country "
        "(those of most of them).",
    )

    @classmethod
    def facts(cls, recipe: BaselineRecipe, pictures: Sequence[KnownPicture]) -> Facts:
        system = _own(recipe)
        partition = partition_of(pictures, system.partition)
        return {
            "backbone": backbone_config(system.backbone, recipe.image_size),
            "partition": partition.to_json(),
            "towns": towns_to_json(cell_towns(pictures, partition)),
            "notes": left_out_note(len(pictures), partition, system.partition),
        }

    def __init__(self, recipe: BaselineRecipe, facts: Facts) -> None:
        super().__init__(recipe, facts)
        self._partition = Partition.from_json(facts["partition"])
        self._towns = towns_from_json(facts["towns"])
        self.backbone = Backbone(_own(recipe).backbone, facts["backbone"])
        self.head = nn.Linear(self.backbone.width, len(self._partition))

    def start(self) -> None:
        self.backbone.start()

    def forward(self, views: Views, pictures: Sequence[KnownPicture]) -> Tensor:
        return cell_loss(self._logits(views), classes_of(pictures, self._partition))

    @torch.inference_mode()
    def locations(self, views: Views, top_k: int) -> list[Location]:
        return located(self._spots, self._logits(views), top_k)

    def _logits(self, views: Views) -> Tensor:
        logits: Tensor = self.head(self.backbone(views.pixels).pooled)
        return logits

    @cached_property
    def _spots(self) -> Spots:
        cells = self._partition
        return Spots(cells.latitude, cells.longitude, self._towns)


def _own(recipe: BaselineRecipe) -> PlaNetRecipe:
    assert isinstance(recipe.system, PlaNetRecipe)
    return recipe.system
