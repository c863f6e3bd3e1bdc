"""What every segmenter shares: class maps, the areas read off them, and batches of equal size."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from georay.locatability.labels import NUM_LABELS
from georay.locatability.score import area_ratio

ClassMap = NDArray[np.uint8]
"""ADE20K class ids [h, w] of one image, usually at reduced resolution."""


class ClassMapSegmenter(ABC):
    """A segmenter whose area ratios are those of its class maps."""

    id: str

    @abstractmethod
    def class_maps(self, images: Sequence[Image.Image]) -> list[ClassMap]:
        """ADE20K class ids of each RGB image, [h, w]; sizes may differ from image to image."""

    def area_ratios(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Share of each ADE20K class in each RGB image: [N, 150], rows sum to 1."""
        ratios = np.zeros((len(images), NUM_LABELS), np.float32)
        for row, class_map in zip(ratios, self.class_maps(images), strict=True):
            row[:] = area_ratio(class_map)
        return ratios


def equal_size_batches(arrays: Sequence[Tensor], limit: int) -> Iterator[tuple[list[int], Tensor]]:
    """Positions and stack of arrays of one shape, at most `limit` at a time.

    Nothing is padded, so that an image's result does not depend on its neighbours.
    """
    groups: dict[torch.Size, list[int]] = {}
    for position, array in enumerate(arrays):
        groups.setdefault(array.shape, []).append(position)
    for positions in groups.values():
        for start in range(0, len(positions), limit):
            chosen = positions[start : start + limit]
            yield chosen, torch.stack([arrays[position] for position in chosen])


def batch_limit(device: torch.device) -> int:
    """Images per forward pass: on a CPU, one at a time keeps activations in cache."""
    return 1 if device.type == "cpu" else 16


def fast_precision(device: torch.device) -> torch.dtype:
    """bfloat16 where the device multiplies it natively, else float32."""
    if device.type == "cpu":
        native = torch.cpu.get_capabilities().get("avx512_bf16", False)
    else:
        native = device.type == "cuda" and torch.cuda.is_bf16_supported()
    return torch.bfloat16 if native else torch.float32
