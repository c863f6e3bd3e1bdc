"""Intersection over union on CamVid, at full size, void ignored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from georay.training.segmenter.camvid import CLASSES, NUM_CLASSES, Example, class_of_ade20k


class FullSizeSegmenter(Protocol):
    """What is evaluated: ADE20K class ids [H, W] at the image's own size."""

    def full_class_map(self, image: Image.Image) -> NDArray[np.uint8]: ...


@dataclass(frozen=True)
class SegmentationScore:
    """Per-class intersection over union [11] and the share of pixels that are right."""

    iou: NDArray[np.float64]
    pixel_accuracy: float
    num_images: int

    @property
    def mean_iou(self) -> float:
        return float(self.iou.mean())

    def as_text(self) -> str:
        lines = [f"{name:<12}{value:.4f}" for name, value in zip(CLASSES, self.iou, strict=True)]
        return "\n".join(
            [
                *lines,
                f"{'mean IoU':<12}{self.mean_iou:.4f}",
                f"{'accuracy':<12}{self.pixel_accuracy:.4f}",
                f"{'images':<12}{self.num_images}",
            ]
        )


def evaluate(segmenter: FullSizeSegmenter, examples: Sequence[Example]) -> SegmentationScore:
    """Scores a segmenter's full-size class maps against CamVid's masks.

    Several ADE20K labels may stand for one CamVid class; a label that stands for none is wrong
    wherever it is predicted.
    """
    confusion = np.zeros((NUM_CLASSES, NUM_CLASSES + 1), np.int64)
    lookup = class_of_ade20k()
    for example in examples:
        predicted = lookup[segmenter.full_class_map(Image.fromarray(example.pixels))]
        known = example.classes < NUM_CLASSES
        pairs = example.classes[known].astype(np.int64) * (NUM_CLASSES + 1) + predicted[known]
        confusion += np.bincount(pairs, minlength=confusion.size).reshape(confusion.shape)
    return _score(confusion, len(examples))


def _score(confusion: NDArray[np.int64], num_images: int) -> SegmentationScore:
    right = np.diagonal(confusion)
    union = confusion.sum(axis=1) + confusion.sum(axis=0)[:NUM_CLASSES] - right
    return SegmentationScore(
        iou=right / np.maximum(union, 1),
        pixel_accuracy=float(right.sum() / confusion.sum()),
        num_images=num_images,
    )
