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
from georay.factory.segmenter.camvid import Example
from georay.factory.segmenter.crops import training_crop

_MAX_GRADIENT_NORM = 5.0


@dataclass(frozen=True)
class Batch:
    """pixels: uint8 [N, 3, H, W]; classes: int64 [N, H, W] with VOID; label_sets: [N]."""

    pixels: Tensor
    classes: Tensor
    label_sets: tuple[int, ...]


class Task(Protocol):
    """What is trained: a network, its groups of parameters and its loss."""

    network: nn.Module

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Parameters with their peak learning rate `lr`."""
        ...

    def loss(self, batch: Batch) -> Tensor:
        """The loss of a batch, a scalar."""
        ...


@dataclass(frozen=True)
class Source:
    """Examples, how crops are drawn from them, how many of a batch's, and their loss's weight."""

    examples: Sequence[Example]
    augmentation: Augmentation
    num_crops: int
    weight: float = 1


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
        task.loss,
        report,
    )


def draw_batch(recipe: TrainSegmenterRecipe, sources: Sequence[Source], step: int) -> Batch:
    """The crops of a step, those of the first source first."""
    random = np.random.default_rng((recipe.seed, step))
    examples = [
        (source, _example(recipe, source, step * source.num_crops + offset))
        for source in sources
        for offset in range(source.num_crops)
    ]
    crops = [training_crop(one, source.augmentation, random) for source, one in examples]
    return Batch(
        torch.from_numpy(np.stack([pixels for pixels, _ in crops])).permute(0, 3, 1, 2),
        torch.from_numpy(np.stack([classes for _, classes in crops])).long(),
        tuple(one.label_set for _, one in examples),
    )


def _example(recipe: TrainSegmenterRecipe, source: Source, position: int) -> Example:
    return source.examples[place_in_epochs(position, len(source.examples), recipe.seed)]
