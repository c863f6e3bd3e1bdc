"""Image encoders: any network that transformers' AutoModel reads, published or small.

timm's networks too, by their hub ids, where timm and a torchvision built like torch are installed.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, ResNetConfig, ViTConfig

from georay.config.baselines import BackboneRecipe, PretrainedRecipe, SmallNetworkRecipe
from georay.errors import ModelUnavailable
from georay.models.pinning import commit_of

INSTEAD = "Give the folder of a downloaded one, or a `small` backbone."


@dataclass(frozen=True)
class Features:
    """Of N pictures: tokens [N, T, width] at T places of the picture, pooled [N, width]."""

    tokens: Tensor
    pooled: Tensor


def pinned(recipe: BackboneRecipe) -> BackboneRecipe:
    """The same with the commit of a hub id. Raises ModelUnavailable if the hub cannot say."""
    if (known := recipe.pretrained) is None:
        return recipe
    revision = commit_of(known.model, known.revision, "backbone", INSTEAD)
    found = known.model_copy(update={"revision": revision})
    return recipe.model_copy(update={"pretrained": found})


def backbone_config(recipe: BackboneRecipe, image_size: int) -> dict[str, Any]:
    """The network's configuration, as JSON has it. Raises ModelUnavailable."""
    if recipe.pretrained is None:
        assert recipe.small is not None, "the recipe holds one of the two"
        return small_config(recipe.small, image_size).to_dict()
    config = loaded_or_explained(AutoConfig, recipe.pretrained)
    content: dict[str, Any] = config.to_dict()
    return content


def loaded_or_explained(kind: Any, known: PretrainedRecipe, **options: object) -> Any:
    """`kind.from_pretrained` of published weights. Raises ModelUnavailable with what to do."""
    try:
        return kind.from_pretrained(known.model, revision=known.revision or "main", **options)
    except (OSError, ValueError) as problem:
        cause = str(problem).strip().partition("\n")[0]
        raise ModelUnavailable(f"cannot load {known.model}: {cause}. {INSTEAD}") from problem


def small_config(recipe: SmallNetworkRecipe, image_size: int) -> PreTrainedConfig:
    """Of a small network. Raises ValueError where patches do not fill the picture."""
    width = recipe.width
    if recipe.kind == "resnet":
        return ResNetConfig(
            embedding_size=width // 8,
            hidden_sizes=[width // 8, width // 4, width // 2, width],
            depths=[recipe.depth] * 4,
            layer_type="basic",
        )
    if image_size % recipe.patch_size:
        raise ValueError(
            f"image_size {image_size} is no multiple of patch_size {recipe.patch_size}"
        )
    return ViTConfig(
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=recipe.depth,
        num_attention_heads=max(1, width // 32),
        image_size=image_size,
        patch_size=recipe.patch_size,
    )


def build(config: dict[str, Any]) -> Any:
    """A network of this configuration with random weights."""
    return AutoModel.from_config(read_config(config))


def read_config(content: dict[str, Any]) -> PreTrainedConfig:
    """The configuration that JSON held."""
    return AutoConfig.for_model(**content)


class Normalise(nn.Module):
    """Pixels [N, 3, S, S] in [0, 1] as a network expects them."""

    def __init__(self, recipe: BackboneRecipe) -> None:
        super().__init__()
        known = recipe.pretrained or PretrainedRecipe(model="")
        for name, values in (("mean", known.mean), ("std", known.std)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        shifted: Tensor = (pixels - self.mean) / self.std
        return shifted


class Backbone(nn.Module):
    """Features of pictures, whatever the network calls them."""

    def __init__(self, recipe: BackboneRecipe, config: dict[str, Any]) -> None:
        """Random weights; `start` loads the published ones."""
        super().__init__()
        self._recipe = recipe
        self._normalise = Normalise(recipe)
        self.network = build(config)
        self.width = int(_width(self.network.config))

    def start(self) -> None:
        """Loads the recipe's published weights, if it has any. Raises ModelUnavailable."""
        if (known := self._recipe.pretrained) is not None:
            self.network = loaded_or_explained(AutoModel, known, use_safetensors=True)

    def embedded(self, pixels: Tensor) -> Tensor:
        """[N, T, width] tokens before the first layer, of a transformer."""
        tokens: Tensor = self.network.embeddings(self._normalise(pixels))
        return tokens

    def forward(self, pixels: Tensor) -> Features:
        found = self.network(self._normalise(pixels))
        tokens = found.last_hidden_state
        pooled = found.pooler_output
        if tokens.ndim == 4:  # a convolutional network's [N, width, height, width]
            tokens = tokens.flatten(2).transpose(1, 2)
        if pooled is None:
            return Features(tokens, tokens.mean(dim=1))
        return Features(tokens, pooled.flatten(1))


def _width(config: PreTrainedConfig) -> int:
    """Of the last features. Swin's doubles with every stage."""
    if hidden := getattr(config, "hidden_sizes", None):
        return int(hidden[-1])
    if getattr(config, "num_features", None):
        return int(config.num_features)
    return int(config.hidden_size)
