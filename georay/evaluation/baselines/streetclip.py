"""StreetCLIP (Haas, Alberti and Skreta, 2023).

Its defining idea: CLIP learns places from synthetic captions made of a picture's labels, and then
answers about any place that a caption can name: first the country, then the towns of that country.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor
from torch.nn import functional
from transformers import AutoConfig, AutoTokenizer, CLIPConfig, CLIPModel, PreTrainedTokenizerFast

from georay.config.baselines import BaselineRecipe, StreetCLIPRecipe
from georay.core.gazetteer import Gazetteer, Place
from georay.evaluation.baselines.answers import named_location
from georay.evaluation.baselines.backbones import Normalise, loaded_or_explained
from georay.evaluation.baselines.protocol import Baseline, Card, Facts, Views
from georay.evaluation.datasets import KnownPicture
from georay.models.locations import Location

_SPECIAL = {
    "pad_token": "<pad>",
    "bos_token": "<start>",
    "unk_token": "<unk>",
    "eos_token": "<end>",
}
_PAD, _START, _UNKNOWN, _END = range(4)
_VOCABULARY, _LONGEST = 2_000, 48
_BATCH = 256  # captions that are encoded at once


class StreetCLIP(Baseline):
    """CLIP whose captions name a country, or a town and its country."""

    card: ClassVar = Card(
        title="StreetCLIP",
        paper="Haas, Alberti and Skreta: Learning Generalized Zero-Shot Learners for Open-Domain "
        "Image Geolocalization, 2023",
        papers="CLIP's network and contrastive loss on pictures and synthetic captions of their "
        "labels; zero-shot answers in two steps, the country and then a town of that country.",
        ours="Captions name town and country, or in half of the cases the country alone, where the "
        "paper's name a region too; countries and towns "
        "are the gazetteer's, towns the most populous ones; pictures are squeezed, not cropped. A "
        "small CLIP reads words by byte pairs of its own.",
    )

    @classmethod
    def facts(cls, recipe: BaselineRecipe, pictures: Sequence[KnownPicture]) -> Facts:
        known = _own(recipe).backbone.pretrained
        if known is not None:
            return {"clip": loaded_or_explained(AutoConfig, known).to_dict()}
        captions = [caption(one.country, one.city) for one in pictures]
        return {"clip": _small_clip(recipe).to_dict(), "tokenizer": _learn_words(captions)}

    def __init__(self, recipe: BaselineRecipe, facts: Facts) -> None:
        super().__init__(recipe, facts)
        self._recipe = _own(recipe)
        self._normalise = Normalise(self._recipe.backbone)
        self.network: Any = CLIPModel(CLIPConfig(**facts["clip"]))
        self._tokenizer: Any
        if (known := self._recipe.backbone.pretrained) is not None:
            self._tokenizer = loaded_or_explained(AutoTokenizer, known)
        else:
            words = Tokenizer.from_str(facts["tokenizer"])
            self._tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, **_SPECIAL)
        self._countries = tuple(Gazetteer.load().countries())
        self._encoded: dict[str | None, Tensor] = {}

    def start(self) -> None:
        if (known := self._recipe.backbone.pretrained) is not None:
            self.network = loaded_or_explained(CLIPModel, known, use_safetensors=True)

    def forward(self, views: Views, pictures: Sequence[KnownPicture]) -> Tensor:
        self._encoded.clear()  # they were of other weights
        coins = torch.rand(len(pictures)).tolist()
        captions = [
            caption(one.country, one.city if coin < 0.5 else None)
            for one, coin in zip(pictures, coins, strict=True)
        ]
        logits = self._scale * self._pictures(views) @ self._captions(captions).T
        # Equal captions of a batch have equal logits: none of them is held against the other.
        own = torch.arange(len(logits), device=logits.device)
        both = functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)
        return both / 2

    @torch.inference_mode()
    def locations(self, views: Views, top_k: int) -> list[Location]:
        seen = self._pictures(views)
        countries = (self._scale * seen @ self._known(None).T).double().softmax(dim=-1)
        pairs = zip(seen, countries, strict=True)
        return [self._location(picture, share, top_k) for picture, share in pairs]

    def _location(self, seen: Tensor, countries: Tensor, top_k: int) -> Location:
        share = dict(zip(self._countries, countries.tolist(), strict=True))
        told = countries.topk(max(1, top_k)).indices.tolist()
        towns = {
            code: self._town_shares(seen, code, share[code])
            for code in (self._countries[number] for number in told)
        }
        return named_location(share, towns, top_k)

    def _town_shares(self, seen: Tensor, country: str, whole: float) -> list[tuple[Place, float]]:
        towns = self._towns(country)
        if not towns:
            return []
        shares = (self._scale * self._known(country) @ seen).double().softmax(dim=0) * whole
        return list(zip(towns, shares.tolist(), strict=True))

    def _towns(self, country: str) -> Sequence[Place]:
        return Gazetteer.load().cities(country)[: self._recipe.towns_per_country]

    def _known(self, country: str | None) -> Tensor:
        """Unit vectors of the towns of a country, or of all countries for None; made once."""
        if country not in self._encoded:
            if country is None:
                captions = [caption(code, None) for code in self._countries]
            else:
                captions = [caption(country, town.name) for town in self._towns(country)]
            parts = range(0, len(captions), _BATCH)
            vectors = [self._captions(captions[start : start + _BATCH]) for start in parts]
            self._encoded[country] = torch.cat(vectors)
        return self._encoded[country]

    @property
    def _scale(self) -> Tensor:
        scale: Tensor = self.network.logit_scale.exp()
        return scale

    def _pictures(self, views: Views) -> Tensor:
        found = self.network.get_image_features(pixel_values=self._normalise(views.pixels))
        return functional.normalize(found.pooler_output, dim=-1)

    def _captions(self, captions: Sequence[str]) -> Tensor:
        longest = self.network.config.text_config.max_position_embeddings
        tokens = self._tokenizer(
            list(captions), padding=True, truncation=True, max_length=longest, return_tensors="pt"
        ).to(self.network.device)
        ids, mask = tokens["input_ids"], tokens["attention_mask"]
        found = self.network.get_text_features(input_ids=ids, attention_mask=mask)
        return functional.normalize(found.pooler_output, dim=-1)


def caption(country: str, town: str | None) -> str:
    """What is said of a picture. country: alpha-2 code."""
    name = Gazetteer.load().country_name(country)
    if town is None:
        return f"A Street View photo in {name}."
    return f"A Street View photo close to the town of {town} in {name}."


def _learn_words(captions: Sequence[str]) -> str:
    """Byte pairs of captions and of all countries' names, as JSON."""
    gazetteer = Gazetteer.load()
    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    words.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY,
        special_tokens=list(_SPECIAL.values()),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    words.train_from_iterator(
        [*captions, *(caption(code, None) for code in gazetteer.countries())], trainer
    )
    words.post_processor = processors.TemplateProcessing(
        single="<start> $A <end>", special_tokens=[("<start>", _START), ("<end>", _END)]
    )
    return str(words.to_str())


def _small_clip(recipe: BaselineRecipe) -> CLIPConfig:
    small = _own(recipe).backbone.small
    assert small is not None, "the recipe holds one of the two"
    layers = {
        "hidden_size": small.width,
        "intermediate_size": 2 * small.width,
        "num_hidden_layers": small.depth,
        "num_attention_heads": max(1, small.width // 32),
    }
    ids = {"pad_token_id": _PAD, "bos_token_id": _START, "eos_token_id": _END}
    return CLIPConfig(
        text_config=layers | ids | {"vocab_size": _VOCABULARY, "max_position_embeddings": _LONGEST},
        vision_config=layers | {"image_size": recipe.image_size, "patch_size": small.patch_size},
        projection_dim=small.width,
    )


def _own(recipe: BaselineRecipe) -> StreetCLIPRecipe:
    assert isinstance(recipe.system, StreetCLIPRecipe)
    return recipe.system
