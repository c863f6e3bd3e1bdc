"""Translocator (Pramanick et al., ECCV 2022).

Its defining idea: two transformers side by side, one on the picture and one on its semantic
segmentation, that exchange what they gather after every layer; the scene is learnt as well.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from georay.config.baselines import SCENE_KINDS, BaselineRecipe, TranslocatorRecipe
from georay.evaluation.baselines.backbones import Backbone
from georay.evaluation.baselines.geocells.hierarchy import Hierarchy, facts_of
from georay.evaluation.baselines.geocells.scenes import kinds_of
from georay.evaluation.baselines.protocol import Baseline, Card, Facts, Views
from georay.evaluation.datasets import KnownPicture
from georay.locatability.labels import NUM_LABELS
from georay.models.locations import Location


class Translocator(Baseline):
    """Two ViTs whose class tokens are fused after every layer."""

    sees_scenes = "always"
    card: ClassVar = Card(
        title="Translocator",
        paper="Pramanick, Nowara, Gleason, Castillo and Chellappa: Where in the World is this "
        "Image? Transformer-based Geo-localization in the Wild, ECCV 2022",
        papers="A branch for the picture and one for its segmentation into ADE20K's 150 classes, "
        "both ViTs; their class tokens are fused after every layer; classifiers for coarse, middle "
        "and fine cells and for the scene, learnt together.",
        ours="Fusion by one linear layer over both class tokens, added to each; three kinds of "
        "scene told by the segmentation, where the paper has 365, 16 and 3 of Places; the "
        "segmenter is georay's small one unless the recipe names another.",
    )

    @classmethod
    def facts(cls, recipe: BaselineRecipe, pictures: Sequence[KnownPicture]) -> Facts:
        system = _own(recipe)
        return facts_of(system, system.backbone, recipe.image_size, pictures)

    def __init__(self, recipe: BaselineRecipe, facts: Facts) -> None:
        super().__init__(recipe, facts)
        self._levels = Hierarchy.from_json(facts["hierarchy"])
        self.picture, self.segmentation = (
            Backbone(_own(recipe).backbone, facts["backbone"]) for _ in range(2)
        )
        width, depth = self.picture.width, len(self.picture.network.layers)
        self.fusion = nn.ModuleList(nn.Linear(2 * width, 2 * width) for _ in range(depth))
        self.heads = nn.ModuleList(nn.Linear(2 * width, size) for size in self._levels.sizes)
        self.scene = nn.Linear(2 * width, len(SCENE_KINDS))
        self._palette: Tensor
        colours = torch.rand(NUM_LABELS, 3, generator=torch.Generator().manual_seed(0))
        unknown = torch.full((1, 3), 0.5)
        self.register_buffer("_palette", torch.cat([colours, unknown]), persistent=False)

    def start(self) -> None:
        self.picture.start()
        self.segmentation.start()

    def forward(self, views: Views, pictures: Sequence[KnownPicture]) -> Tensor:
        gathered = self._gathered(views)
        logits = [head(gathered) for head in self.heads]
        kinds = kinds_of(views.scene_classes())
        scene_loss = functional.cross_entropy(self.scene(gathered), kinds)
        return self._levels.loss(logits, self._levels.targets(pictures)) + scene_loss

    @torch.inference_mode()
    def locations(self, views: Views, top_k: int) -> list[Location]:
        gathered = self._gathered(views)
        return self._levels.locations([head(gathered) for head in self.heads], top_k)

    def _gathered(self, views: Views) -> Tensor:
        """[N, 2 width] both class tokens after the last layer."""
        ids = views.scene_classes().clamp(max=NUM_LABELS)
        coloured = self._palette[ids].permute(0, 3, 1, 2)
        branches = [
            (self.picture.network, self.picture.embedded(views.pixels)),
            (self.segmentation.network, self.segmentation.embedded(coloured)),
        ]
        tokens = [embedded for _, embedded in branches]
        networks: list[Any] = [network for network, _ in branches]
        for number, fusion in enumerate(self.fusion):
            pairs = zip(networks, tokens, strict=True)
            tokens = _fused([net.layers[number](one) for net, one in pairs], fusion)
        pairs = zip(networks, tokens, strict=True)
        return torch.cat([net.layernorm(one)[:, 0] for net, one in pairs], dim=-1)


def _fused(tokens: Sequence[Tensor], fusion: nn.Module) -> list[Tensor]:
    """Both branches' tokens [N, T, width], the class token of each with what both gathered."""
    added = fusion(torch.cat([one[:, 0] for one in tokens], dim=-1)).chunk(2, dim=-1)
    return [
        torch.cat([(one[:, 0] + more)[:, None], one[:, 1:]], dim=1)
        for one, more in zip(tokens, added, strict=True)
    ]


def _own(recipe: BaselineRecipe) -> TranslocatorRecipe:
    assert isinstance(recipe.system, TranslocatorRecipe)
    return recipe.system
