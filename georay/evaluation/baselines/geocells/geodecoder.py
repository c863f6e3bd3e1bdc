"""GeoDecoder (Clark, Kerrigan, Kulkarni, Cepeda and Shah, CVPR 2023).

Its defining idea: a learnt query for each level of the hierarchy and each kind of scene asks the
picture by cross-attention; the queries of the likeliest scene tell the cells of all levels.
"""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from georay.config.baselines import SCENE_KINDS, BaselineRecipe, GeoDecoderRecipe
from georay.evaluation.baselines.backbones import Backbone
from georay.evaluation.baselines.geocells.hierarchy import Hierarchy, facts_of
from georay.evaluation.baselines.geocells.scenes import kinds_of
from georay.evaluation.baselines.protocol import Baseline, Card, Facts, Views
from georay.evaluation.datasets import KnownPicture
from georay.models.locations import Location

_KINDS = len(SCENE_KINDS)


class GeoDecoder(Baseline):
    """A backbone's tokens, and two decoders: over all queries, then over those of a level."""

    sees_scenes = "learning"
    card: ClassVar = Card(
        title="GeoDecoder",
        paper="Clark, Kerrigan, Kulkarni, Cepeda and Shah: Where We Are and What We're Looking At, "
        "CVPR 2023",
        papers="A query for each level and kind of scene; a decoder in which all queries attend to "
        "each other, then one in which those of a level do, with weights of its own; the scene "
        "with the highest mean confidence answers, and coarser cells weigh finer ones.",
        ours="Three kinds of scene, told to training by a segmenter, where the paper has 16 of "
        "Places; each level has whole layers of its own in the second decoder, where the paper "
        "keeps only the feed-forward part apart. The paper has 7 levels above a Swin.",
    )

    @classmethod
    def facts(cls, recipe: BaselineRecipe, pictures: Sequence[KnownPicture]) -> Facts:
        system = _own(recipe)
        return facts_of(system, system.backbone, recipe.image_size, pictures)

    def __init__(self, recipe: BaselineRecipe, facts: Facts) -> None:
        super().__init__(recipe, facts)
        system = _own(recipe)
        self._levels = Hierarchy.from_json(facts["hierarchy"])
        self.backbone = Backbone(system.backbone, facts["backbone"])
        width, count = self.backbone.width, len(self._levels.levels)
        self.queries = nn.Parameter(torch.randn(count, _KINDS, width) * width**-0.5)
        self.independent = _layers(width, system.num_heads, system.independent_layers)
        self.dependent = nn.ModuleList(
            _layers(width, system.num_heads, system.dependent_layers) for _ in range(count)
        )
        # The first output is the confidence in the query's kind of scene.
        self.heads = nn.ModuleList(nn.Linear(width, 1 + size) for size in self._levels.sizes)

    def start(self) -> None:
        self.backbone.start()

    def forward(self, views: Views, pictures: Sequence[KnownPicture]) -> Tensor:
        told = self._told(views)
        kinds = kinds_of(views.scene_classes())
        scene_loss = functional.cross_entropy(_confidence(told), kinds)
        return self._levels.loss(_of_kind(told, kinds), self._levels.targets(pictures)) + scene_loss

    @torch.inference_mode()
    def locations(self, views: Views, top_k: int) -> list[Location]:
        told = self._told(views)
        return self._levels.locations(_of_kind(told, _confidence(told).argmax(dim=-1)), top_k)

    def _told(self, views: Views) -> list[Tensor]:
        """What the queries of each level say: [N, kinds, 1 + cells]."""
        tokens = self.backbone(views.pixels).tokens
        asked = self.queries.flatten(0, 1).expand(len(tokens), -1, -1)
        for layer in self.independent:
            asked = layer(asked, tokens)
        told = []
        levels = asked.split(_KINDS, dim=1)
        for level, layers, head in zip(levels, self.dependent, self.heads, strict=True):
            found = level
            for layer in layers:
                found = layer(found, tokens)
            told.append(head(found))
        return told


def _layers(width: int, num_heads: int, count: int) -> nn.ModuleList:
    """Layers of a decoder without dropout, normalised before each part."""
    return nn.ModuleList(
        nn.TransformerDecoderLayer(
            width, num_heads, 2 * width, dropout=0.0, batch_first=True, norm_first=True
        )
        for _ in range(count)
    )


def _confidence(told: Sequence[Tensor]) -> Tensor:
    """[N, kinds] the mean over levels."""
    return torch.stack([level[..., 0] for level in told]).mean(dim=0)


def _of_kind(told: Sequence[Tensor], kinds: Tensor) -> list[Tensor]:
    """[N, cells] of each level, by the query of each picture's kind."""
    rows = torch.arange(len(kinds), device=kinds.device)
    return [level[rows, kinds, 1:] for level in told]


def _own(recipe: BaselineRecipe) -> GeoDecoderRecipe:
    assert isinstance(recipe.system, GeoDecoderRecipe)
    return recipe.system
