"""Equation 1 of the paper: how much an image gives away about where it was taken."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from georay.locatability.labels import ADE20K_LABELS, NUM_LABELS, short_name


@dataclass(frozen=True)
class Contribution:
    """What one class adds to an image's locatability."""

    label: str
    area_ratio: float
    weight: float

    @property
    def contribution(self) -> float:
        return self.area_ratio * self.weight

    def __str__(self) -> str:
        return f"{self.label} {self.area_ratio:.2f} × {self.weight:.2f} = {self.contribution:.3f}"


def locatability(
    area_ratios: NDArray[np.floating], weights: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Locatability of each image: the sum over classes of weight × area ratio (equation 1).

    area_ratios: [num_images, num_labels], the share of pixels per class.
    weights: [num_labels] in [0, 1]. Returns [num_images] in [0, 1] when the ratios sum to 1.
    Raises ValueError if the two do not speak of the same number of labels.
    """
    if area_ratios.ndim != 2 or area_ratios.shape[1:] != weights.shape:
        raise ValueError(
            f"area ratios {area_ratios.shape} and weights {weights.shape} must be "
            "[num_images, num_labels] and [num_labels]"
        )
    return area_ratios.astype(np.float64) @ weights.astype(np.float64)


def contributions(
    area_ratio: NDArray[np.floating], weights: NDArray[np.floating]
) -> list[Contribution]:
    """Each class that is present, largest contribution first; they add up to the score."""
    parts = [
        Contribution(
            short_name(ADE20K_LABELS[index]), float(area_ratio[index]), float(weights[index])
        )
        for index in np.flatnonzero(area_ratio)
    ]
    return sorted(parts, key=lambda part: -part.contribution)


def area_ratio(class_map: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The share of each ADE20K class in a map of class ids [h, w]: [num_labels].

    Sums to 1, less the share of pixels whose id is none of ADE20K's: what is not known.
    """
    counts = np.bincount(class_map.ravel(), minlength=NUM_LABELS)[:NUM_LABELS]
    return (counts / class_map.size).astype(np.float32)
