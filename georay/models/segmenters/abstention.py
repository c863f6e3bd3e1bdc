"""When the small segmenter says that it does not know: pixel by pixel, and for a whole picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

FAMILIES = (
    ("building", "house", "skyscraper", "tower", "wall", "awning"),
    ("tree", "palm", "plant"),
    ("grass", "field"),
    ("water", "sea"),
    ("mountain", "rock"),
    ("sidewalk", "path"),
    ("car", "van", "bus"),
    ("pole", "street lamp"),
)
"""Labels whose probabilities count together: who wavers between house and tower sees a building."""


@dataclass(frozen=True)
class Abstention:
    """Bounds found on validation pictures; they travel in the weights file.

    confidence: a pixel whose family of labels is less probable than this is not known.
    largest_share: a picture more of which is not known lies outside what the segmenter knows.
    """

    confidence: float = 0.0
    largest_share: float = 1.0


def family_matrix(labels: Sequence[str]) -> Tensor:
    """[num_labels, num_labels]: 1 where two labels are of one family, and for each with itself.

    labels: by their first synonym.
    """
    family_of = {label: family for family in FAMILIES for label in family}
    return torch.tensor([[float(b in family_of.get(a, (a,))) for b in labels] for a in labels])


def confidence(logits: Tensor, families: Tensor) -> Tensor:
    """Probability [N, h, w] of the family of the likeliest label, of logits [N, C, h, w]."""
    probability = logits.softmax(dim=1)
    summed = torch.nn.functional.conv2d(probability, families[..., None, None])
    return summed.gather(1, logits.argmax(dim=1, keepdim=True))[:, 0]
