"""Intersection over union on CamVid or on drawn scenes, at full size, void ignored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from georay.factory.segmenter.camvid import CLASSES, VOID, Example, class_of_ade20k
from georay.factory.segmenter.drawn import DRAWN_LABELS, index_of_ade20k


class FullSizeSegmenter(Protocol):
    """What is evaluated: ADE20K class ids [H, W] at the image's own size."""

    def full_class_map(self, image: Image.Image) -> NDArray[np.uint8]: ...


@dataclass(frozen=True)
class Labelling:
    """Names of the classes of a data set, and the class [150] that each ADE20K id counts as."""

    names: tuple[str, ...]
    of_ade20k: NDArray[np.uint8]


CAMVID = Labelling(CLASSES, class_of_ade20k())
DRAWN = Labelling(DRAWN_LABELS, index_of_ade20k(DRAWN_LABELS))


@dataclass(frozen=True)
class SegmentationScore:
    """Per-class intersection over union (NaN: not in any mask) and the share of right pixels."""

    names: tuple[str, ...]
    iou: NDArray[np.float64]
    pixel_accuracy: float
    num_images: int

    @property
    def mean_iou(self) -> float:
        """Mean over the classes that occur in the masks."""
        return float(np.nanmean(self.iou))

    def as_text(self) -> str:
        lines = [f"{name:<12}{value:.4f}" for name, value in zip(self.names, self.iou, strict=True)]
        return "\n".join(
            [
                *lines,
                f"{'mean IoU':<12}{self.mean_iou:.4f}",
                f"{'accuracy':<12}{self.pixel_accuracy:.4f}",
                f"{'images':<12}{self.num_images}",
            ]
        )


def evaluate(
    segmenter: FullSizeSegmenter, examples: Sequence[Example], labelling: Labelling = CAMVID
) -> SegmentationScore:
    """Scores a segmenter's full-size class maps against the masks of a data set.

    Several ADE20K labels may stand for one class; a label that stands for none is wrong
    wherever it is predicted.
    """
    num_classes = len(labelling.names)
    confusion = np.zeros((num_classes, num_classes + 1), np.int64)
    for example in examples:
        labels = segmenter.full_class_map(Image.fromarray(example.pixels))
        predicted = np.minimum(labelling.of_ade20k[labels], num_classes)
        known = example.classes != VOID
        pairs = example.classes[known].astype(np.int64) * (num_classes + 1) + predicted[known]
        confusion += np.bincount(pairs, minlength=confusion.size).reshape(confusion.shape)
    return _score(confusion, labelling.names, len(examples))


def _score(
    confusion: NDArray[np.int64], names: tuple[str, ...], num_images: int
) -> SegmentationScore:
    right = np.diagonal(confusion)
    present = confusion.sum(axis=1) > 0
    union = confusion.sum(axis=1) + confusion.sum(axis=0)[: len(names)] - right
    return SegmentationScore(
        names=names,
        iou=np.where(present, right / np.maximum(union, 1), np.nan),
        pixel_accuracy=float(right.sum() / confusion.sum()),
        num_images=num_images,
    )
