"""The protocol of segmenters: class maps of photographs, and the areas of classes."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from georay.locatability.labels import NUM_LABELS
from georay.locatability.score import area_ratio

SMALL = "small"
SMALL_WEIGHTS = Path(__file__).parents[1] / "weights" / "small_segmenter.safetensors"

UNKNOWN = 255
"""In class maps: what the segmenter does not know; it belongs to no class."""

_ROUNDING = 1e-5

ClassMap = NDArray[np.uint8]
"""ADE20K class ids [h, w] of one image, usually at reduced resolution, or UNKNOWN."""


def unknown_share(area_ratio: NDArray[np.float32]) -> float:
    """What of a picture no class covers, of its area ratios [150]; rounding is no share."""
    missing = 1.0 - float(area_ratio.sum(dtype=np.float64))
    return missing if missing > _ROUNDING else 0.0


class Segmenter(Protocol):
    """Images are RGB, of any size and any mix of sizes; one at a time or many give the same."""

    id: str
    """The model and its version, as scores record it."""

    largest_unknown_share: float = 1.0
    """A picture more of which is UNKNOWN lies outside what the segmenter knows."""

    @abstractmethod
    def class_maps(self, images: Sequence[Image.Image]) -> list[ClassMap]:
        """ADE20K class ids of each image, [h, w] at reduced resolution."""
        ...

    def area_ratios(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Share of each ADE20K class in each image: [N, 150]; what is UNKNOWN lacks to 1."""
        ratios = np.zeros((len(images), NUM_LABELS), np.float32)
        for row, class_map in zip(ratios, self.class_maps(images), strict=True):
            row[:] = area_ratio(class_map)
        return ratios
