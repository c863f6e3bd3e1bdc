"""ViT (Dosovitskiy et al., ICLR 2021), as the paper of georay compares with it.

Its defining idea: an image classifier that reads a picture as a sequence of patches. Here its
classes are countries and towns, in two groups of one classifier.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional
from transformers import ViTConfig, ViTForImageClassification

from georay.config.baselines import BaselineRecipe, ViTRecipe
from georay.core.gazetteer import Gazetteer, Place
from georay.evaluation.baselines.answers import named_location
from georay.evaluation.baselines.backbones import (
    Normalise,
    backbone_config,
    loaded_or_explained,
    read_config,
)
from georay.evaluation.baselines.protocol import Baseline, Card, Facts, Views
from georay.evaluation.datasets import KnownPicture
from georay.models.locations import Location

_UNKNOWN = -100  # what cross-entropy leaves out


class ViT(Baseline):
    """transformers' own classifier; the town is chosen among those of the country it answers."""

    card: ClassVar = Card(
        title="ViT",
        paper="Dosovitskiy et al.: An Image is Worth 16x16 Words, ICLR 2021",
        papers="The network, ViTForImageClassification, and cross-entropy over its classes.",
        ours="Classes are countries and towns in two groups: the likeliest country, then the "
        "likeliest of its towns, whose centre is the place. The GeoReasoner paper gives neither "
        "classes nor settings of its ViT.",
    )

    @classmethod
    def facts(cls, recipe: BaselineRecipe, pictures: Sequence[KnownPicture]) -> Facts:
        system = _own(recipe)
        towns = Counter(town for one in pictures if (town := _town(one)) is not None)
        enough = [one for one, count in towns.items() if count >= system.min_pictures]
        named = sorted(enough, key=lambda town: (town.country, town.name, town.geoname_id))
        without = len(pictures) - sum(towns[one] for one in named)
        notes = [f"{without:,} of {len(pictures):,} pictures teach a country, and no town"]
        return {
            "backbone": backbone_config(system.backbone, recipe.image_size),
            "countries": sorted({one.country for one in pictures}),
            "towns": [[town.name, town.country] for town in named],
            "notes": notes if without else [],
        }

    def __init__(self, recipe: BaselineRecipe, facts: Facts) -> None:
        super().__init__(recipe, facts)
        self._recipe = _own(recipe)
        self._countries: list[str] = facts["countries"]
        self._towns = [_place(*names) for names in facts["towns"]]
        self._normalise = Normalise(self._recipe.backbone)
        config = read_config(facts["backbone"])
        assert isinstance(config, ViTConfig), "the recipe holds a ViT"
        labels = [*self._countries, *(f"{town.name}, {town.country}" for town in self._towns)]
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: number for number, label in enumerate(labels)}
        self.network: Any = ViTForImageClassification(config)

    def start(self) -> None:
        if (known := self._recipe.backbone.pretrained) is not None:
            self.network = loaded_or_explained(
                ViTForImageClassification,
                known,
                config=self.network.config,
                ignore_mismatched_sizes=True,
                use_safetensors=True,
            )

    def forward(self, views: Views, pictures: Sequence[KnownPicture]) -> Tensor:
        countries, towns = self._logits(views)
        known = torch.tensor([self._countries.index(one.country) for one in pictures])
        loss = functional.cross_entropy(countries, known.to(countries.device))
        town = torch.tensor([self._town_number.get(_town(one), _UNKNOWN) for one in pictures])
        if (town == _UNKNOWN).all():
            return loss + towns.sum() * 0.0
        return loss + functional.cross_entropy(towns, town.to(towns.device), ignore_index=_UNKNOWN)

    @torch.inference_mode()
    def locations(self, views: Views, top_k: int) -> list[Location]:
        countries, towns = self._logits(views)
        shares = countries.double().softmax(dim=-1).tolist()
        return [self._location(*pair, top_k) for pair in zip(shares, towns, strict=True)]

    def _location(self, countries: list[float], towns: Tensor, top_k: int) -> Location:
        share = dict(zip(self._countries, countries, strict=True))
        found: dict[str, list[tuple[Place, float]]] = defaultdict(list)
        for code, numbers in self._towns_of.items():
            inside = towns[numbers].double().softmax(dim=0).tolist()
            for number, one in zip(numbers, inside, strict=True):
                found[code].append((self._towns[number], share[code] * one))
        return named_location(share, found, top_k)

    def _logits(self, views: Views) -> tuple[Tensor, Tensor]:
        logits: Tensor = self.network(self._normalise(views.pixels)).logits
        return logits[:, : len(self._countries)], logits[:, len(self._countries) :]

    @cached_property
    def _town_number(self) -> dict[Place | None, int]:
        return {town: number for number, town in enumerate(self._towns)}

    @cached_property
    def _towns_of(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for number, town in enumerate(self._towns):
            found[town.country].append(number)
        return found


def _town(picture: KnownPicture) -> Place | None:
    return Gazetteer.load().resolve(picture.city, picture.country)


def _place(name: str, country: str) -> Place:
    found = Gazetteer.load().resolve(name, country)
    assert found is not None, "the name is the gazetteer's own"
    return found


def _own(recipe: BaselineRecipe) -> ViTRecipe:
    assert isinstance(recipe.system, ViTRecipe)
    return recipe.system
