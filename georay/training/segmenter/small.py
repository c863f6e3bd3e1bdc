"""The small segmenter as a training task."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from georay.config.segmenter import TrainSegmenterRecipe
from georay.models.segmenters.network import SmallSegmenterNetwork, normalise
from georay.training.segmenter.camvid import NUM_CLASSES, VOID, Example
from georay.training.segmenter.imagenet import load_imagenet_weights
from georay.training.segmenter.losses import group_logits, segmentation_loss


class SmallSegmenterTask:
    """Cross entropy and soft Jaccard on CamVid's classes, from an ImageNet encoder."""

    network: nn.Module

    def __init__(
        self,
        recipe: TrainSegmenterRecipe,
        groups: Sequence[Sequence[int]],
        class_weights: Tensor,
        num_labels: int,
    ) -> None:
        torch.manual_seed(recipe.seed)
        network = SmallSegmenterNetwork(num_labels)
        load_imagenet_weights(network.encoder)
        self.network = network.to(memory_format=torch.channels_last)
        self._recipe = recipe
        self._groups = groups
        self._class_weights = class_weights

    def parameter_groups(self) -> list[dict[str, Any]]:
        encoder: list[nn.Parameter] = []
        decoder: list[nn.Parameter] = []
        for name, parameter in self.network.named_parameters():
            (encoder if name.startswith("encoder.") else decoder).append(parameter)
        return [
            {"params": encoder, "lr": self._recipe.encoder_learning_rate},
            {"params": decoder, "lr": self._recipe.learning_rate},
        ]

    def loss(self, pixels: Tensor, classes: Tensor) -> Tensor:
        images = normalise(pixels).contiguous(memory_format=torch.channels_last)
        logits = group_logits(self.network(images).float(), self._groups)
        weights = self._class_weights
        if logits.shape[1] > len(weights):
            weights = torch.cat([weights, weights.new_ones(logits.shape[1] - len(weights))])
        overlap = self._recipe.overlap_loss
        return segmentation_loss(logits, classes, weights, overlap=overlap, void=VOID)


def balanced_class_weights(examples: Sequence[Example]) -> Tensor:
    """Weights [NUM_CLASSES] falling with the square root of a class's pixel share, mean 1."""
    counts = sum(
        np.bincount(example.classes.ravel(), minlength=256)[:NUM_CLASSES] for example in examples
    )
    weights = 1 / np.sqrt(np.maximum(counts, 1))
    return torch.from_numpy(weights / weights.mean()).float()
