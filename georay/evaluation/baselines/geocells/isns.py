"""ISNs, individual scene networks (Mueller-Budack, Pustu-Iren and Ewerth, ECCV 2018).

Their defining idea: a network of its own for each kind of scene (natural, urban, indoor), each over
a hierarchy of partitions whose coarser levels weigh the cells of the finest.
"""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from georay.config.baselines import (
    SCENE_KINDS,
    BackboneRecipe,
    BaselineRecipe,
    ISNsRecipe,
    PublishedISNsRecipe,
    SmallNetworkRecipe,
)
from georay.evaluation.baselines.backbones import Backbone
from georay.evaluation.baselines.geocells.hierarchy import Hierarchy, facts_of
from georay.evaluation.baselines.geocells.published_isns import (
    published_facts,
    put_published,
)
from georay.evaluation.baselines.geocells.scenes import kinds_of
from georay.evaluation.baselines.protocol import Baseline, Card, Facts, Views
from georay.evaluation.datasets import KnownPicture
from georay.models.locations import Location


class ISNs(Baseline):
    """Three networks; each learns from and answers about the pictures of its kind alone."""

    sees_scenes = "always"
    card: ClassVar = Card(
        title="ISNs",
        paper="Mueller-Budack, Pustu-Iren and Ewerth: Geolocation Estimation of Photos using a "
        "Hierarchical Model and Scene Classification, ECCV 2018",
        papers="A network for each of three kinds of scene, three partitions of S2 cells (50 to "
        "5,000, 2,000 and 1,000 pictures a cell), a loss for each level, and a fine cell's "
        "probability times those of the coarser cells around it.",
        ours="The kind is told by the areas of a segmenter's classes, not by a network trained on "
        "Places365. A kind of which no training picture was is answered by the network that saw "
        "most. The backbone may be another than ResNet-101; all networks start at once instead of "
        "from one that was trained on all kinds. With `published`, the authors' cells and weights "
        "answer about the whole picture, squeezed, where they take the best of five crops.",
    )

    @classmethod
    def facts(cls, recipe: BaselineRecipe, pictures: Sequence[KnownPicture]) -> Facts:
        system = _own(recipe)
        if system.backbone is None:
            return published_facts(_published(system))
        return facts_of(system, system.backbone, recipe.image_size, pictures)

    def __init__(self, recipe: BaselineRecipe, facts: Facts) -> None:
        super().__init__(recipe, facts)
        self._levels = Hierarchy.from_json(facts["hierarchy"])
        self._recipe, self._files = _own(recipe), facts.get("files", {})
        # Of published networks only the normalisation is asked here, which was ImageNet's.
        backbone = self._recipe.backbone or BackboneRecipe(small=SmallNetworkRecipe())
        self.networks = nn.ModuleList(
            _SceneNetwork(Backbone(backbone, facts["backbone"]), self._levels.sizes)
            for _ in SCENE_KINDS
        )
        self.num_seen: Tensor
        self.register_buffer("num_seen", torch.zeros(len(SCENE_KINDS)))

    def start(self) -> None:
        if self._recipe.backbone is None:
            published = _published(self._recipe)
            for kind, network in zip(SCENE_KINDS, self.networks, strict=True):
                put_published(network, published, kind, self._files)
            self.num_seen.fill_(1)  # all of them answer
            return
        for network in self.networks:
            network.backbone.start()

    def forward(self, views: Views, pictures: Sequence[KnownPicture]) -> Tensor:
        kinds = kinds_of(views.scene_classes())
        self.num_seen += torch.bincount(kinds, minlength=len(SCENE_KINDS))
        targets, losses = self._levels.targets(pictures), []
        for kind in kinds.unique().tolist():
            chosen = kinds == kind
            of_kind = [level[chosen.cpu()] for level in targets]
            loss = self._levels.loss(self.networks[kind](views.pixels[chosen]), of_kind)
            losses.append(loss * chosen.float().mean())
        return torch.stack(losses).sum()

    @torch.inference_mode()
    def locations(self, views: Views, top_k: int) -> list[Location]:
        kinds = kinds_of(views.scene_classes())
        kinds = torch.where(self.num_seen[kinds] > 0, kinds, self.num_seen.argmax())
        found: dict[int, Location] = {}
        for kind in kinds.unique().tolist():
            chosen = (kinds == kind).nonzero().flatten()
            answers = self._levels.locations(self.networks[kind](views.pixels[chosen]), top_k)
            found |= dict(zip(chosen.tolist(), answers, strict=True))
        return [found[number] for number in range(len(kinds))]


class _SceneNetwork(nn.Module):
    """The network of one kind: a backbone, and a classifier for each level."""

    def __init__(self, backbone: Backbone, sizes: Sequence[int]) -> None:
        super().__init__()
        self.backbone = backbone
        self.heads = nn.ModuleList(nn.Linear(backbone.width, size) for size in sizes)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        pooled = self.backbone(pixels).pooled
        return [head(pooled) for head in self.heads]


def _published(system: ISNsRecipe) -> PublishedISNsRecipe:
    assert system.published is not None, "the recipe holds one of the two"
    return system.published


def _own(recipe: BaselineRecipe) -> ISNsRecipe:
    assert isinstance(recipe.system, ISNsRecipe)
    return recipe.system
