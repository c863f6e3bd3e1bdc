"""Equirectangular panoramas: how they are recognised, and perspective views cut from them.

A panorama is no street view: of its 360 degrees a person sees a quarter at a time. A view looks to
the horizon, is a square of 90 degrees, and is named by its heading.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

EQUIRECTANGULAR = "equirectangular"
VIEW = "view"
"""What the column `projection` says of a panorama that is whole, and of a view cut from one."""

SKIPPED = "skipped panorama"
"""The kind of error of a panorama in a run that skips them."""

Handling = Literal["views", "whole", "skip"]

VIEW_DEGREES = 90
VIEW_SIDE = 1024
"""Pixels of a view's side, fewer only where the panorama itself has fewer."""
MIN_WIDTH = 2_000
SURE_WIDTH = 5_000
"""Of pictures twice as wide as high: from here on wide enough that it is a panorama for certain.

Telephones with screens of 2:1 make photographs of that shape, up to 4,656 pixels wide; cameras that
see all around make 5,376 and more. In between, the left edge must go on at the right one.
"""

_NAMESPACE = "http://ns.google.com/photos/1.0/panorama/"
_VIEW_NAME = re.compile(r"(?P<file>.+)#heading=(?P<heading>\d{1,3}(\.\d{1,2})?)", re.DOTALL)
_HORIZON = 10.0  # degrees above and below that a panorama must show to have views
_SEAM_WIDTH = 512

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """One view of the panorama in a file. heading: degrees from north, clockwise.

    Where the file does not say which way it was turned, degrees from its middle.
    """

    file: str
    heading: float

    @property
    def uri(self) -> str:
        """The name that `parse_view` reads back."""
        return f"{self.file}#heading={self.heading:g}"


def parse_view(uri: str) -> View | None:
    """The view that a uri names, or None. Files may have such names too: ask for the file first."""
    found = _VIEW_NAME.fullmatch(uri)
    if found is None or float(found["heading"]) >= 360:
        return None
    return View(found["file"], float(found["heading"]))


@dataclass(frozen=True)
class Panorama:
    """The part of the sphere that a picture shows, in degrees.

    west, east: of its edges, from the middle of the whole panorama. bottom, top: from the horizon.
    heading: of that middle from north, clockwise; None where the file does not say.
    """

    west: float = -180.0
    east: float = 180.0
    bottom: float = -90.0
    top: float = 90.0
    heading: float | None = None

    @classmethod
    def of_pixels(
        cls,
        box: tuple[float, float, float, float],
        full: tuple[float, float],
        heading: float | None,
    ) -> Self:
        """box: left, top, width and height of the picture in a whole panorama of size `full`."""
        left, top, width, height = box
        across, down = 360 / full[0], 180 / full[1]
        return cls(
            west=left * across - 180,
            east=(left + width) * across - 180,
            bottom=90 - (top + height) * down,
            top=90 - top * down,
            heading=heading,
        )

    @property
    def goes_around(self) -> bool:
        return self.east - self.west > 359.5

    def full_width(self, width: int) -> int:
        """Pixels that the whole panorama would have across, when the picture has `width`."""
        return round(width * 360 / (self.east - self.west))

    def view_headings(self) -> list[float]:
        """Headings of the views that cover it, at most four; none where no view would fit."""
        if self.top < _HORIZON or self.bottom > -_HORIZON:
            return []
        number = 4 if self.goes_around else int((self.east - self.west + 0.5) // VIEW_DEGREES)
        first = 0.0 if self.goes_around else self._middle - VIEW_DEGREES * (number - 1) / 2
        turned = [first + VIEW_DEGREES * place + (self.heading or 0) for place in range(number)]
        return [round(heading % 360, 2) % 360 for heading in turned]

    def offset(self, heading: float) -> float:
        """Degrees from its middle to a heading, in the turn around the middle of the picture."""
        away = heading - (self.heading or 0) - self._middle
        return (away + 180) % 360 - 180 + self._middle

    @property
    def _middle(self) -> float:
        return (self.west + self.east) / 2


def named_panorama(xmp: str, width: int, height: int) -> Panorama | None:
    """What GPano metadata says of a picture of this size, upright; None if it says nothing.

    Source: the photo sphere metadata of Google's cameras, which other makers write as well.
    """
    facts = _gpano(xmp)
    projection = facts.get(
        "ProjectionType", EQUIRECTANGULAR if "FullPanoWidthPixels" in facts else ""
    )
    if projection.strip().lower() != EQUIRECTANGULAR:
        return None
    heading = _number(facts, "PoseHeadingDegrees")
    heading = None if heading is None else heading % 360
    full = _number(facts, "FullPanoWidthPixels"), _number(facts, "FullPanoHeightPixels")
    size = (
        _number(facts, "CroppedAreaImageWidthPixels") or float(width),
        _number(facts, "CroppedAreaImageHeightPixels") or float(height),
    )
    left = _number(facts, "CroppedAreaLeftPixels") or 0.0
    top = _number(facts, "CroppedAreaTopPixels") or 0.0
    if full[0] and full[1] and 0 <= left <= full[0] - size[0] and 0 <= top <= full[1] - size[1]:
        return Panorama.of_pixels((left, top, *size), (full[0], full[1]), heading)
    # Without a cut that can be true: the smallest whole panorama, the picture in its middle.
    across = max(width, 2 * height)
    box = ((across - width) / 2, (across / 2 - height) / 2, width, height)
    return Panorama.of_pixels(box, (across, across / 2), heading)


def has_panorama_shape(width: int, height: int) -> bool:
    """Whether it is twice as wide as high, and large."""
    return width >= MIN_WIDTH and abs(width / height - 2) <= 0.01


def is_panorama_by_looks(image: Image.Image, width: int) -> bool:
    """Whether a picture of that shape goes all around. image: at any scale; width: of the file."""
    if width >= SURE_WIDTH:
        return True
    small = image.resize((_SEAM_WIDTH, _SEAM_WIDTH // 2), Image.Resampling.BOX)
    pixels = np.asarray(small, dtype=np.float32)
    inside = np.abs(np.diff(pixels, axis=1)).mean(axis=(0, 2))
    seam = np.abs(pixels[:, 0] - pixels[:, -1]).mean()
    return bool(seam <= 2 * np.median(inside) + 1)


def cut_views(
    image: Image.Image, panorama: Panorama, width: int, headings: Sequence[float]
) -> Iterator[Image.Image]:
    """The views of a panorama at these headings, one after the other.

    image: the panorama at any scale. width: the pixels that its file has across. A view is a
    square of VIEW_SIDE pixels, or of a quarter of the whole panorama's width; what the panorama
    does not show above and below is cut off.
    """
    side = max(1, min(VIEW_SIDE, panorama.full_width(width) // 4))
    across = round(4 * side * (panorama.east - panorama.west) / 360)
    down = round(2 * side * (panorama.top - panorama.bottom) / 180)
    if image.width > across:
        image = image.resize((max(1, across), max(1, down)), Image.Resampling.BILINEAR)
    pixels = np.asarray(image)
    for heading in headings:
        yield Image.fromarray(_view(pixels, panorama, panorama.offset(heading), side))


def _view(
    pixels: NDArray[np.uint8], panorama: Panorama, offset: float, side: int
) -> NDArray[np.uint8]:
    """The perspective picture [rows, side, 3] around a longitude of an equirectangular one.

    Straight ahead is z = 1; a column has one longitude, so columns are blended before rows.
    """
    height, width = pixels.shape[:2]
    plane = np.linspace(-1, 1, side, endpoint=False, dtype=np.float32) + np.float32(1 / side)
    east = np.degrees(np.arctan(plane)) + offset
    x = (east - panorama.west) / (panorama.east - panorama.west) * width - 0.5
    highest, lowest = np.tan(np.radians([min(panorama.top, 45), min(-panorama.bottom, 45)]))
    down = plane[(plane >= -highest) & (plane <= lowest)]
    north = -np.degrees(np.arctan(down[:, None] * np.cos(np.arctan(plane))))
    y = (panorama.top - north) / (panorama.top - panorama.bottom) * height - 0.5
    y = y.clip(0, height - 1)
    first = int(y.min())
    band = pixels[first : int(y.max()) + 2]
    columns = _blended_columns(band, x, panorama.goes_around)
    return _blended_rows(columns, y - first)


def _blended_columns(band: NDArray[np.uint8], x: Floats, wraps: bool) -> Floats:
    width = band.shape[1]
    if not wraps:
        x = x.clip(0, width - 1)
    left = np.floor(x).astype(np.int64)
    share = (x - left).astype(np.float32)[:, None]
    right = left + 1
    pair = (left % width, right % width) if wraps else (left, right.clip(max=width - 1))
    blended: Floats = band[:, pair[0]] * (1 - share) + band[:, pair[1]] * share
    return blended


def _blended_rows(columns: Floats, y: Floats) -> NDArray[np.uint8]:
    above = np.floor(y).astype(np.int64)
    below = (above + 1).clip(max=columns.shape[0] - 1)
    share = (y - above).astype(np.float32)[..., None]
    upper = np.take_along_axis(columns, above[..., None], axis=0)
    lower = np.take_along_axis(columns, below[..., None], axis=0)
    return np.rint(upper * (1 - share) + lower * share).astype(np.uint8)


def _gpano(xmp: str) -> dict[str, str]:
    """GPano's fields by name, written as attributes or as elements. No XML is parsed: the text is
    a stranger's."""
    bound = re.search(rf'xmlns:(\w+)\s*=\s*["\']{re.escape(_NAMESPACE)}["\']', xmp)
    prefix = bound[1] if bound else "GPano"
    attributes = re.findall(rf'\b{prefix}:(\w+)\s*=\s*["\']([^"\']*)["\']', xmp)
    elements = re.findall(rf"<{prefix}:(\w+)>([^<]*)<", xmp)
    return dict(attributes + elements)


def _number(facts: dict[str, str], name: str) -> float | None:
    try:
        value = float(facts.get(name, ""))
    except ValueError:
        return None
    return value if np.isfinite(value) else None
