"""The small segmenter as a training task."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from georay.config.segmenter import TrainSegmenterRecipe
from georay.factory.segmenter.camvid import NUM_CLASSES, VOID, Example
from georay.factory.segmenter.imagenet import load_imagenet_weights
from georay.factory.segmenter.losses import group_logits, segmentation_loss
from georay.models.segmenters.network import SmallSegmenterNetwork, normalise

HEADS = {f"{part}.{kind}" for part in ("head", "detail.head") for kind in ("weight", "bias")}


class SmallSegmenterTask:
    """Cross entropy and soft Jaccard: CamVid's classes by their summed members, drawn ones as is.

    A batch's first crops are CamVid's; the rest are drawn where `drawn_weights` (one per head
    label) are given.
    """

    network: nn.Module

    def __init__(
        self,
        recipe: TrainSegmenterRecipe,
        network: SmallSegmenterNetwork,
        groups: Sequence[Sequence[int]],
        camvid_weights: Tensor,
        drawn_weights: Tensor | None,
    ) -> None:
        self.network = network.to(memory_format=torch.channels_last)
        self._recipe = recipe
        self._groups = groups
        self._camvid_weights = camvid_weights
        self._drawn_weights = drawn_weights

    def parameter_groups(self) -> list[dict[str, Any]]:
        recipe = self._recipe
        peaks = {
            "encoder": recipe.encoder_learning_rate,
            "decoder": recipe.learning_rate,
            "detail": recipe.detail_learning_rate,
        }
        groups: dict[str, list[nn.Parameter]] = {part: [] for part in peaks}
        for name, parameter in self.network.named_parameters():
            part = name.split(".")[0]
            groups[part if part in peaks else "decoder"].append(parameter)
        return [{"params": groups[part], "lr": peak} for part, peak in peaks.items()]

    def loss(self, pixels: Tensor, classes: Tensor) -> Tensor:
        images = normalise(pixels).contiguous(memory_format=torch.channels_last)
        logits, target = _every_other_pixel(self.network(images).float(), classes)
        if self._drawn_weights is None:
            return self._camvid_loss(logits, target)
        first = self._recipe.num_camvid_crops
        drawn = segmentation_loss(
            logits[first:],
            target[first:],
            self._drawn_weights,
            overlap=self._recipe.overlap_loss,
            void=VOID,
        )
        return (self._camvid_loss(logits[:first], target[:first]) + drawn) / 2

    def _camvid_loss(self, logits: Tensor, target: Tensor) -> Tensor:
        grouped = group_logits(logits, self._groups)
        weights = self._camvid_weights
        if grouped.shape[1] > len(weights):
            weights = torch.cat([weights, weights.new_ones(grouped.shape[1] - len(weights))])
        overlap = self._recipe.overlap_loss
        return segmentation_loss(grouped, target, weights, overlap=overlap, void=VOID)


def _every_other_pixel(logits: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """Logits at full size and classes, both on every second row and column, from a random corner.

    A quarter of the pixels teach as much as all and cost a quarter.
    """
    full = F.interpolate(logits, size=classes.shape[-2:], mode="bilinear", align_corners=False)
    row, column = torch.randint(2, (2,)).tolist()
    return full[..., row::2, column::2], classes[:, row::2, column::2]


def starting_network(recipe: TrainSegmenterRecipe, labels: Sequence[str]) -> SmallSegmenterNetwork:
    """A network for these labels: from the recipe's weights file, else from ImageNet."""
    torch.manual_seed(recipe.seed)
    network = SmallSegmenterNetwork(len(labels))
    if recipe.start is None:
        load_imagenet_weights(network.encoder)
    else:
        _load_start(network, labels, recipe.start)
    return network


def _load_start(network: SmallSegmenterNetwork, labels: Sequence[str], file: Path) -> None:
    """Copies what is there; rows of a head go to their labels, and new labels start unlikely."""
    if not file.exists():
        raise ValueError(f"there are no weights to start from at {file}: train them first")
    with safe_open(file, framework="pt") as weights:
        known = json.loads(weights.metadata()["labels"])
        state = {name: weights.get_tensor(name).float() for name in weights.keys()}  # noqa: SIM118
    rows = [labels.index(label) for label in known]
    unlikely = float(state["head.bias"].min()) - 2
    fresh = network.state_dict()
    fresh["head.bias"].fill_(unlikely)
    for name in HEADS & state.keys():
        state[name] = fresh[name].index_copy(0, torch.tensor(rows), state[name])
    network.load_state_dict(fresh | state)


@torch.no_grad()
def undo_class_weights(network: SmallSegmenterNetwork, weights: Tensor, share: float) -> None:
    """Takes back a share of what class weights [num_labels] do to the logits.

    Weights help rare classes to be learnt, but make thin things come out too thick: they add the
    weight's logarithm to a class's logit (Menon et al. 2021, section 3). Changes the network.
    """
    network.detail.head.bias -= share * weights.log()  # type: ignore[operator]


def balanced_class_weights(examples: Iterable[Example], num_classes: int = NUM_CLASSES) -> Tensor:
    """Weights [num_classes] falling with the square root of a class's pixel share, mean 1.

    A class that no example has gets 1.
    """
    counts = np.zeros(num_classes, np.int64)
    for example in examples:
        counts += np.bincount(example.classes.ravel(), minlength=256)[:num_classes]
    weights = 1 / np.sqrt(np.maximum(counts, 1))
    weights /= weights[counts > 0].mean()
    weights[counts == 0] = 1
    return torch.from_numpy(weights).float()
