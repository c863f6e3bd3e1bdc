"""Answers by cells: the place that a cell stands for is the middle of its training pictures."""

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from georay.config.baselines import PartitionRecipe
from georay.core.gazetteer import Place
from georay.evaluation.baselines.answers import Spots, town_of
from georay.evaluation.baselines.geocells.cells import Partition
from georay.evaluation.baselines.pictures import coordinates
from georay.evaluation.datasets import KnownPicture
from georay.models.locations import Location

UNKNOWN = -1
"""The class of a picture whose cell has too few others: nothing is learnt from it."""


def partition_of(pictures: Sequence[KnownPicture], recipe: PartitionRecipe) -> Partition:
    """The cells of training pictures. Raises ValueError if none holds enough of them."""
    return Partition.build(*coordinates(pictures), recipe)


def left_out_note(num_pictures: int, partition: Partition, recipe: PartitionRecipe) -> list[str]:
    """A sentence on training pictures whose cell is no class, if there are any."""
    missing = num_pictures - int(partition.num_pictures.sum())
    if not missing:
        return []
    return [
        f"{missing:,} of {num_pictures:,} pictures lie in cells with fewer than "
        f"{recipe.min_pictures:,}, which are no classes: nothing is learnt from them"
    ]


def classes_of(pictures: Sequence[KnownPicture], partition: Partition) -> Tensor:
    """The cell of each picture [N], UNKNOWN where it is no class."""
    return torch.from_numpy(partition.classes(*coordinates(pictures)))


def cell_loss(logits: Tensor, classes: Tensor) -> Tensor:
    """Mean cross-entropy over the pictures whose cell is a class; 0 where none is."""
    known = classes.to(logits.device)
    if (known == UNKNOWN).all():
        return logits.sum() * 0.0
    return functional.cross_entropy(logits, known, ignore_index=UNKNOWN)


def cell_towns(pictures: Sequence[KnownPicture], partition: Partition) -> list[Place]:
    """The town that most training pictures of each cell are of."""
    counts: list[Counter[Place]] = [Counter() for _ in range(len(partition))]
    for picture, cell in zip(pictures, classes_of(pictures, partition).tolist(), strict=True):
        if cell != UNKNOWN:
            counts[cell][town_of(picture)] += 1
    return [max(found, key=lambda one: (found[one], one.geoname_id)) for found in counts]


def located(spots: Spots, logits: Tensor, top_k: int) -> list[Location]:
    """A location for each row of logits (or log-probabilities) [N, cells]."""
    shares = logits.double().softmax(dim=-1).cpu().numpy()
    return [spots.location(row, top_k) for row in shares]
