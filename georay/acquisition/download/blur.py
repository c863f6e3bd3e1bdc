"""Blurs the faces and number plates that detectors find in a picture."""

from collections.abc import Sequence
from typing import Protocol

from PIL import Image, ImageDraw, ImageFilter

from georay.config.collect import BlurRecipe

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels."""

_MARGIN = 0.15
"""Of a box's size, added on each side: detectors cut chins and ends of plates off."""
_STRENGTH = 0.25
"""The blur's radius, of the box's shorter side: no letter of a plate stays."""


class Detector(Protocol):
    """Finds what is to be blurred."""

    def boxes(self, image: Image.Image) -> Sequence[Box]: ...


class Blur:
    """Blurs what any of its detectors finds."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self._detectors = detectors

    def __call__(self, image: Image.Image) -> Image.Image:
        """The same picture if nothing is found in it, else a blurred copy."""
        boxes = [box for detector in self._detectors for box in detector.boxes(image)]
        return blurred(image, boxes) if boxes else image


def blurred(image: Image.Image, boxes: Sequence[Box]) -> Image.Image:
    """A copy with each box, and a margin around it, blurred."""
    copy = image.copy()
    for box in boxes:
        left, top, right, bottom = _with_margin(box, image.size)
        if right <= left or bottom <= top:
            continue
        piece = image.crop((left, top, right, bottom))
        radius = max(2.0, _STRENGTH * min(piece.size))
        mask = Image.new("L", piece.size, 0)
        ImageDraw.Draw(mask).rounded_rectangle(
            (0, 0, piece.width - 1, piece.height - 1), min(piece.size) * _MARGIN, fill=255
        )
        copy.paste(piece.filter(ImageFilter.GaussianBlur(radius)), (left, top), mask)
    return copy


def load_blur(recipe: BlurRecipe) -> Blur:
    """The detectors of a recipe. Raises ModelUnavailable if one is not here and not reachable."""
    if not recipe.detectors:
        return Blur(())
    from georay.models.detector import ObjectDetector

    return Blur(
        [
            ObjectDetector(one.model, one.revision, one.labels, one.threshold)
            for one in recipe.detectors
        ]
    )


def _with_margin(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    left, top, right, bottom = box
    across, down = (right - left) * _MARGIN, (bottom - top) * _MARGIN
    return (
        max(0, int(left - across)),
        max(0, int(top - down)),
        min(size[0], int(right + across) + 1),
        min(size[1], int(bottom + down) + 1),
    )
