"""GeoCLIP (Vivanco Cepeda, Nayak and Shah, NeurIPS 2023).

Its defining idea: geolocation as retrieval between a picture and points on the Earth; an image
encoder and a location encoder learn one space by contrast, and the nearest point answers.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPVisionModelWithProjection

from georay.config.baselines import BaselineRecipe, GeoCLIPRecipe
from georay.core.gazetteer import Place
from georay.core.geo import EARTH_RADIUS_KM
from georay.evaluation.baselines.answers import Spots, town_of, towns_from_json, towns_to_json
from georay.evaluation.baselines.backbones import (
    Backbone,
    Normalise,
    backbone_config,
    loaded_or_explained,
    read_config,
)
from georay.evaluation.baselines.location_encoder import SIZE, LocationEncoder
from georay.evaluation.baselines.pictures import coordinates
from georay.evaluation.baselines.protocol import Baseline, Card, Facts, Views
from georay.evaluation.baselines.published_geoclip import published_gallery, published_weights
from georay.evaluation.datasets import KnownPicture
from georay.models.locations import Location

_KM_PER_DEGREE = EARTH_RADIUS_KM * np.pi / 180
_SAME_PLACE_KM = 1.0
_BATCH = 4096  # points that are encoded at once


class GeoCLIP(Baseline):
    """A frozen CLIP with a trained head, or a small network, against encoded points."""

    card: ClassVar = Card(
        title="GeoCLIP",
        paper="Vivanco Cepeda, Nayak and Shah: GeoCLIP, NeurIPS 2023",
        papers="The location encoder (Equal Earth map, random Fourier features at three scales), a "
        "head of two layers above a frozen CLIP, contrast with the batch's and a queue's points, "
        "and retrieval from a gallery; with `published`, the weights of the package geoclip.",
        ours="Without published weights, a small network instead of CLIP, trained as a whole; "
        "points within 1 km of a picture's own are not held against it; the gallery may be the "
        "training pictures' own points.",
    )

    @classmethod
    def facts(cls, recipe: BaselineRecipe, pictures: Sequence[KnownPicture]) -> Facts:
        system = _own(recipe)
        towns: list[Place] | None = None
        if system.gallery == "package":
            gallery = np.stack(published_gallery(), axis=1)
        else:
            points = np.stack(coordinates(pictures), axis=1)
            gallery, first = np.unique(points, axis=0, return_index=True)
            towns = [town_of(pictures[number]) for number in first.tolist()]
        return {
            "backbone": backbone_config(system.backbone, recipe.image_size),
            "gallery": gallery.tolist(),
            "towns": None if towns is None else towns_to_json(towns),
        }

    def __init__(self, recipe: BaselineRecipe, facts: Facts) -> None:
        super().__init__(recipe, facts)
        self._recipe = _own(recipe)
        gallery = np.array(facts["gallery"], np.float64)
        towns = None if facts["towns"] is None else towns_from_json(facts["towns"])
        self._spots = Spots(gallery[:, 0], gallery[:, 1], towns)
        self._gallery = torch.from_numpy(gallery).float()
        self._encoded: Tensor | None = None
        self.image_encoder = _ImageEncoder(self._recipe, facts)
        self.location_encoder = LocationEncoder()
        self.logit_scale = nn.Parameter(torch.tensor(float(np.log(1 / 0.07))))
        self.queue: Tensor
        rows = torch.arange(self._recipe.queue_size) % len(self._gallery)
        self.register_buffer("queue", self._gallery[rows])

    def start(self) -> None:
        self.image_encoder.start()
        if self._recipe.published:
            self.location_encoder.load_state_dict(published_weights("location_encoder"))
            scale = published_weights("logit_scale")["logit_scale"]
            self.logit_scale.data.copy_(scale)

    def forward(self, views: Views, pictures: Sequence[KnownPicture]) -> Tensor:
        self._encoded = None  # it was of other weights
        true = torch.from_numpy(np.stack(coordinates(pictures), axis=1)).float()
        true = true.to(views.pixels.device)
        queued = self._moved(self.queue)
        points = torch.cat([true, queued])
        logits = self._scale * self._pictures(views) @ self._points(points).T
        logits = logits.masked_fill(_is_elsewhere_the_same(true, points), -torch.inf)
        self._remember(true)
        return functional.cross_entropy(logits, torch.arange(len(true), device=logits.device))

    @torch.inference_mode()
    def locations(self, views: Views, top_k: int) -> list[Location]:
        if self._encoded is None:
            parts = self._gallery.to(views.pixels.device).split(_BATCH)
            self._encoded = torch.cat([self._points(part) for part in parts])
        logits = self._scale * self._pictures(views) @ self._encoded.T
        shares = logits.double().softmax(dim=-1).cpu().numpy()
        return [self._spots.location(row, top_k) for row in shares]

    @property
    def _scale(self) -> Tensor:
        return self.logit_scale.exp()

    def _pictures(self, views: Views) -> Tensor:
        return functional.normalize(self.image_encoder(views.pixels), dim=-1)

    def _points(self, points: Tensor) -> Tensor:
        return functional.normalize(self.location_encoder(points), dim=-1)

    def _moved(self, points: Tensor) -> Tensor:
        """Points a little way off by chance, so that the queue's are not learnt by heart."""
        degrees = self._recipe.spread_km / _KM_PER_DEGREE
        moved = points + degrees * torch.randn_like(points)
        return torch.stack([moved[:, 0].clamp(-90, 90), moved[:, 1]], dim=1)

    def _remember(self, true: Tensor) -> None:
        """The newest points come first, and the oldest are forgotten."""
        if len(self.queue):
            self.queue.copy_(torch.cat([true, self.queue])[: len(self.queue)])


class _ImageEncoder(nn.Module):
    """CLIP, which stays as it is, or a small network that learns; and the head above it."""

    def __init__(self, recipe: GeoCLIPRecipe, facts: Facts) -> None:
        super().__init__()
        self._recipe = recipe
        self._normalise = Normalise(recipe.backbone)
        self.network: Any
        if recipe.backbone.pretrained is None:
            self.network = Backbone(recipe.backbone, facts["backbone"])
            width = self.network.width
        else:
            config = read_config(facts["backbone"])
            width = config.vision_config.projection_dim = config.projection_dim
            self.network = CLIPVisionModelWithProjection(config.vision_config)
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, SIZE))

    def start(self) -> None:
        if (known := self._recipe.backbone.pretrained) is not None:
            kind = CLIPVisionModelWithProjection
            self.network = loaded_or_explained(
                kind, known, config=self.network.config, use_safetensors=True
            )
            self.network.requires_grad_(False)
        if self._recipe.published:
            self.mlp.load_state_dict(published_weights("image_encoder_mlp"))

    def forward(self, pixels: Tensor) -> Tensor:
        if isinstance(self.network, Backbone):
            features = self.network(pixels).pooled
        else:
            features = self.network(pixel_values=self._normalise(pixels)).image_embeds
        vectors: Tensor = self.mlp(features)
        return vectors


def _is_elsewhere_the_same(true: Tensor, points: Tensor) -> Tensor:
    """[pictures, points] whether a point that is not the picture's own entry is at its place."""
    phi, theta = torch.deg2rad(points.double()).unbind(dim=1)
    flat = torch.cos(phi)
    units = torch.stack([flat * torch.cos(theta), flat * torch.sin(theta), torch.sin(phi)], dim=1)
    chords = torch.cdist(units[: len(true)], units)
    is_near = chords * EARTH_RADIUS_KM < _SAME_PLACE_KM
    own = torch.eye(len(true), len(points), dtype=torch.bool, device=points.device)
    return is_near & ~own


def _own(recipe: BaselineRecipe) -> GeoCLIPRecipe:
    assert isinstance(recipe.system, GeoCLIPRecipe)
    return recipe.system
