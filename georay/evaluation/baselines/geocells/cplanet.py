"""CPlaNet (Seo, Weyand, Sim and Han, ECCV 2018).

Its defining idea: several coarse partitions of the Earth, each with its own classifier; the fine
cells that their intersections make are scored by the sum of the votes of all.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from georay.config.baselines import BaselineRecipe, CPlaNetRecipe
from georay.core.gazetteer import Place
from georay.evaluation.baselines.answers import Spots, towns_from_json, towns_to_json
from georay.evaluation.baselines.backbones import Backbone, backbone_config
from georay.evaluation.baselines.geocells.cells import Partition
from georay.evaluation.baselines.geocells.combination import Intersection, intersected, joined
from georay.evaluation.baselines.geocells.spots import (
    UNKNOWN,
    cell_loss,
    cell_towns,
    classes_of,
    left_out_note,
    partition_of,
)
from georay.evaluation.baselines.protocol import Baseline, Card, Facts, Views
from georay.evaluation.datasets import KnownPicture
from georay.models.locations import Location


class CPlaNet(Baseline):
    """One backbone, a classifier for each coarse partition, answers at their intersections."""

    card: ClassVar = Card(
        title="CPlaNet",
        paper="Seo, Weyand, Sim and Han: CPlaNet, ECCV 2018",
        papers="Coarse partitions of the same cells with different borders, one classifier each "
        "above a shared network, and answers at the intersections by the sum of their votes. The "
        "paper has about ten thousand classes a set, and five sets of its own.",
        ours="How cells are joined: always the region with the fewest pictures with the nearest, "
        "both blurred by chance for each partition (the paper weighs edges by visual and "
        "geographic distance). A class's vote is shared among its intersections by their training "
        "pictures.",
    )

    @classmethod
    def facts(cls, recipe: BaselineRecipe, pictures: Sequence[KnownPicture]) -> Facts:
        system = _own(recipe)
        cells = partition_of(pictures, system.partition)
        seeds = range(system.num_partitions)
        regions = [
            joined(cells, system.num_classes, hash((recipe.seed, one)) % 2**32) for one in seeds
        ]
        return {
            "backbone": backbone_config(system.backbone, recipe.image_size),
            "partition": cells.to_json(),
            "towns": towns_to_json(cell_towns(pictures, cells)),
            "regions": [one.tolist() for one in regions],
            "notes": left_out_note(len(pictures), cells, system.partition),
        }

    def __init__(self, recipe: BaselineRecipe, facts: Facts) -> None:
        super().__init__(recipe, facts)
        self._partition = Partition.from_json(facts["partition"])
        self._towns = towns_from_json(facts["towns"])
        self._regions = np.array(facts["regions"], np.int64)
        self.backbone = Backbone(_own(recipe).backbone, facts["backbone"])
        sizes = (self._regions.max(axis=1) + 1).tolist()
        self.heads = nn.ModuleList(nn.Linear(self.backbone.width, size) for size in sizes)

    def start(self) -> None:
        self.backbone.start()

    def forward(self, views: Views, pictures: Sequence[KnownPicture]) -> Tensor:
        cells = classes_of(pictures, self._partition)
        losses = [
            cell_loss(logits, torch.from_numpy(region)[cells].where(cells != UNKNOWN, UNKNOWN))
            for logits, region in zip(self._logits(views), self._regions, strict=True)
        ]
        return torch.stack(losses).mean()

    @torch.inference_mode()
    def locations(self, views: Views, top_k: int) -> list[Location]:
        votes = [logits.double().softmax(dim=-1).cpu().numpy() for logits in self._logits(views)]
        found = self._intersection
        scores = [
            vote[:, found.regions[:, number]] * found.share[:, number]
            for number, vote in enumerate(votes)
        ]
        return [self._spots.location(row, top_k) for row in np.mean(scores, axis=0)]

    def _logits(self, views: Views) -> list[Tensor]:
        pooled = self.backbone(views.pixels).pooled
        return [head(pooled) for head in self.heads]

    @cached_property
    def _intersection(self) -> Intersection:
        return intersected(self._partition, self._regions)

    @cached_property
    def _spots(self) -> Spots:
        """An intersection's town is that of its cell with the most pictures."""
        found, pictures = self._intersection, self._partition.num_pictures
        towns: dict[int, Place] = {}
        for cell in np.argsort(pictures, kind="stable").tolist():
            towns[int(found.of_cell[cell])] = self._towns[cell]
        ordered = [towns[number] for number in range(len(found.latitude))]
        return Spots(found.latitude, found.longitude, ordered)


def _own(recipe: BaselineRecipe) -> CPlaNetRecipe:
    assert isinstance(recipe.system, CPlaNetRecipe)
    return recipe.system
