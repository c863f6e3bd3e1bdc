"""Two canvases that are painted by the same strokes: what is seen, and what is true.

The truth canvas holds, per pixel and without anti-aliasing, the ADE20K label (red) and the number
of the clue painted there (green and blue). What hides a clue in the picture overwrites it there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import skia
from numpy.typing import NDArray

from georay.locatability.labels import LABEL_INDEX
from georay.streetworld.atlas.colours import Rgb
from georay.streetworld.canvas.palette import packed

NO_CLUE = 0
Points = Sequence[tuple[float, float]]
_NEAREST = skia.SamplingOptions(skia.FilterMode.kNearest)
_SMOOTH = skia.SamplingOptions(skia.FilterMode.kLinear, skia.MipmapMode.kLinear)


@dataclass(frozen=True)
class Stroke:
    """What one piece of the picture is: its ADE20K label and the clue it shows, if any."""

    label: str
    clue: int = NO_CLUE

    @property
    def truth(self) -> int:
        """The colour of this stroke on the truth canvas."""
        number = self.clue
        return 0xFF000000 | (LABEL_INDEX[self.label] << 16) | ((number & 255) << 8) | number >> 8


@dataclass(frozen=True)
class Sprite:
    """A picture of one thing with its solid outline: `outline` is an alpha image of 0 and 255."""

    picture: skia.Image
    outline: skia.Image


class Painter:
    """Draws in the units of the matrix in use, on both canvases or on the picture alone."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._picture = np.zeros((size, size, 4), np.uint8)
        self._truth = np.zeros((size, size, 4), np.uint8)
        kind = skia.kRGBA_8888_ColorType
        # The surfaces own the canvases: dropping them would leave the canvases dangling.
        self._surfaces = [skia.Surface(a, colorType=kind) for a in (self._picture, self._truth)]
        self._seen, self._true = (surface.getCanvas() for surface in self._surfaces)
        self._paint = skia.Paint(AntiAlias=True)
        self._mark = skia.Paint(AntiAlias=False, BlendMode=skia.BlendMode.kSrc)
        self._stamp = skia.Paint(AntiAlias=False)

    def use(self, matrix: skia.Matrix) -> None:
        """Draw in the units of `matrix` from here on."""
        self._seen.setMatrix(matrix)
        self._true.setMatrix(matrix)

    def use_pixels(self) -> None:
        """Draw in pixels from here on."""
        self._seen.resetMatrix()
        self._true.resetMatrix()

    def fill(self, path: skia.Path, colour: Rgb, stroke: Stroke) -> None:
        """A filled path, opaque."""
        self._paint.setColor(packed(colour))
        self._seen.drawPath(path, self._paint)
        self._mark.setColor(stroke.truth)
        self._true.drawPath(path, self._mark)

    def detail(self, path: skia.Path, colour: Rgb, alpha: int = 255) -> None:
        """A filled path on something already drawn, whose label stays."""
        self._paint.setColor(packed(colour, alpha))
        self._seen.drawPath(path, self._paint)

    def detail_with(self, path: skia.Path, paint: skia.Paint) -> None:
        """As `detail`, with a paint of the caller's: a shader, a blend or a blur."""
        self._seen.drawPath(path, paint)

    def fill_with(self, path: skia.Path, paint: skia.Paint, stroke: Stroke) -> None:
        """A path filled by a shader, opaque."""
        self._seen.drawPath(path, paint)
        self._mark.setColor(stroke.truth)
        self._true.drawPath(path, self._mark)

    def mark(self, path: skia.Path, stroke: Stroke) -> None:
        """The truth of what `detail` has drawn or will draw: a label and a clue, no colour."""
        self._mark.setColor(stroke.truth)
        self._true.drawPath(path, self._mark)

    def stamp(
        self, sprite: Sprite, box: skia.Rect, light: skia.ColorFilter, stroke: Stroke
    ) -> None:
        """A sprite scaled into `box`, given in pixels."""
        self.use_pixels()
        tinted = skia.Paint(AntiAlias=True, ColorFilter=light)
        self._seen.drawImageRect(sprite.picture, box, _SMOOTH, tinted)
        self._stamp.setColor(stroke.truth)
        self._true.drawImageRect(sprite.outline, box, _NEAREST, self._stamp)

    def wash(self, paint: skia.Paint) -> None:
        """A paint over the whole picture; the truth stays."""
        self.use_pixels()
        self._seen.drawPaint(paint)

    def picture(self) -> NDArray[np.uint8]:
        """What was drawn: RGB [size, size, 3]."""
        return np.ascontiguousarray(self._picture[:, :, :3])

    def truth(self) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """ADE20K ids [size, size] and clue numbers [size, size], 0 where there is no clue."""
        clues = self._truth[:, :, 1].astype(np.int32)
        clues += self._truth[:, :, 2].astype(np.int32) << 8
        return np.ascontiguousarray(self._truth[:, :, 0]), clues


def polygon(points: Points) -> skia.Path:
    """A closed path through the points."""
    return skia.Path.Polygon([skia.Point(x, y) for x, y in points], True)


def rectangle(left: float, top: float, right: float, bottom: float) -> skia.Path:
    """A rectangle; `top` and `bottom` in any order."""
    return skia.Path.Rect(skia.Rect(left, min(top, bottom), right, max(top, bottom)))


def rectangles(boxes: Iterable[tuple[float, float, float, float]]) -> skia.Path:
    """Many rectangles (left, low, right, high) as one path."""
    path = skia.Path()
    for left, low, right, high in boxes:
        path.addRect(skia.Rect(left, low, right, high))
    return path


def ellipse(x: float, y: float, width: float, height: float) -> skia.Path:
    """An ellipse around (x, y)."""
    half, tall = width / 2, height / 2
    return skia.Path.Oval(skia.Rect(x - half, y - tall, x + half, y + tall))
