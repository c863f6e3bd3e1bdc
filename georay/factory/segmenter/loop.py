"""The batches that the small segmenter and the small MaskFormer are trained on.

Every random choice derives from (seed, step), so a resumed run takes the same crops.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from georay.config.segmenter import Augmentation, TrainSegmenterRecipe
from georay.factory.resumable import Learning, Progress, place_in_epochs, train_steps
from georay.factory.segmenter.camvid import Example, training_crop

_MAX_GRADIENT_NORM = 5.0


class Task(Protocol):
    """What is trained: a network, its groups of parameters and its loss."""

    network: nn.Module

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Parameters with their peak learning rate `lr`."""
        ...

    def loss(self, pixels: Tensor, classes: Tensor) -> Tensor:
        """pixels: uint8 [N, 3, H, W]; classes: int64 [N, H, W] with VOID."""
        ...


@dataclass(frozen=True)
class Source:
    """Examples, how crops are drawn from them, and how many of a batch's crops are theirs."""

    examples: Sequence[Example]
    augmentation: Augmentation
    num_crops: int


def train(
    recipe: TrainSegmenterRecipe,
    task: Task,
    sources: Sequence[Source],
    report: Callable[[Progress], None],
) -> nn.Module:
    """Trains to the recipe's last step, from its checkpoint if one exists.

    Every batch holds the crops of each source, in the order of the sources.
    Returns the moving average of the weights, in evaluation mode.
    """
    optimizer = torch.optim.AdamW(task.parameter_groups(), weight_decay=recipe.weight_decay)
    return train_steps(
        recipe,
        task.network,
        Learning(optimizer, _MAX_GRADIENT_NORM),
        lambda step: draw_batch(recipe, sources, step),
        lambda batch: task.loss(*batch),
        report,
    )


def draw_batch(
    recipe: TrainSegmenterRecipe, sources: Sequence[Source], step: int
) -> tuple[Tensor, Tensor]:
    """The crops of a step: pixels uint8 [N, 3, H, W], classes int64 [N, H, W]."""
    random = np.random.default_rng((recipe.seed, step))
    crops = [
        training_crop(
            source.examples[
                place_in_epochs(step * source.num_crops + offset, len(source.examples), recipe.seed)
            ],
            source.augmentation,
            random,
        )
        for source in sources
        for offset in range(source.num_crops)
    ]
    pixels = torch.from_numpy(np.stack([pixels for pixels, _ in crops])).permute(0, 3, 1, 2)
    return pixels, torch.from_numpy(np.stack([classes for _, classes in crops])).long()
