"""The small segmenter as a training task."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
from georay.factory.segmenter.label_sets import LabelSet
from georay.factory.segmenter.loop import Batch
from georay.factory.segmenter.losses import group_logits, segmentation_loss
from georay.models.segmenters.network import SmallSegmenterNetwork, normalise

HEADS = {f"{part}.{kind}" for part in ("head", "detail.head") for kind in ("weight", "bias")}


@dataclass(frozen=True)
class Lesson:
    """A label set that is trained on, and the weights of its classes, [num_classes]."""

    labels: LabelSet
    class_weights: Tensor


class SmallSegmenterTask:
    """Cross entropy and soft Jaccard of each label set's classes by their summed members.

    crop_weights: share [N] of each crop of a batch in the loss, in the batch's order.
    """

    network: nn.Module

    def __init__(
        self,
        recipe: TrainSegmenterRecipe,
        network: SmallSegmenterNetwork,
        lessons: Sequence[Lesson],
        crop_weights: Sequence[float],
    ) -> None:
        self.network = network.to(memory_format=torch.channels_last)
        self._recipe = recipe
        self._lessons = lessons
        self._crop_weights = crop_weights

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

    def loss(self, batch: Batch) -> Tensor:
        images = normalise(batch.pixels).contiguous(memory_format=torch.channels_last)
        logits, target = _every_other_pixel(self.network(images).float(), batch.classes)
        total = logits.new_zeros(())
        for index in sorted(set(batch.label_sets)):
            crops = [at for at, one in enumerate(batch.label_sets) if one == index]
            share = sum(self._crop_weights[at] for at in crops)
            total = total + share * self._loss_of(index, logits[crops], target[crops])
        return total

    def _loss_of(self, label_set: int, logits: Tensor, target: Tensor) -> Tensor:
        lesson = self._lessons[label_set]
        if not (target != VOID).any():
            return logits.sum() * 0
        grouped = group_logits(logits, lesson.labels.groups)
        weights = lesson.class_weights
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


def balanced_class_weights(
    examples: Iterable[Example], num_classes: int = NUM_CLASSES, largest: float = math.inf
) -> Tensor:
    """Weights [num_classes] falling with the square root of a class's pixel share, mean 1.

    A class that no example has gets 1; none gets more than `largest`, however few pixels it has.
    """
    counts = np.zeros(num_classes, np.int64)
    for example in examples:
        counts += np.bincount(example.classes.ravel(), minlength=256)[:num_classes]
    weights = 1 / np.sqrt(np.maximum(counts, 1))
    weights /= weights[counts > 0].mean()
    weights[counts == 0] = 1
    return torch.from_numpy(np.minimum(weights, largest)).float()
