"""Draws the map of points for the report, over the part of the Earth that they lie in."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_WIDTH = 1000.0
_SMALLEST_DEGREES = 0.02
_MARGIN = 0.08
_CELLS = 400
"""Points nearer than a 400th of the map's width are one dot: the page does not grow with them."""


@dataclass(frozen=True)
class Dots:
    """Places of one kind, "taken" or "absent", as one SVG path of zero-length strokes."""

    kind: str
    path: str


@dataclass(frozen=True)
class PlaceMap:
    """What the page draws, in SVG units."""

    view_box: str
    land: str
    dots: tuple[Dots, ...]
    dot: float


@dataclass(frozen=True)
class _Frame:
    """An equirectangular map that is true to scale at its middle."""

    west: float
    north: float
    unit: float
    squeeze: float

    def x(self, longitude: Floats) -> Floats:
        return (longitude - self.west) * self.unit * self.squeeze

    def y(self, latitude: Floats) -> Floats:
        return (self.north - latitude) * self.unit


def place_map(taken: Floats, absent: Floats) -> PlaceMap:
    """The map of places [number, 2] in degrees of latitude and longitude; either may be empty."""
    frame, width, height = _frame(np.concatenate([taken, absent]))
    dots = tuple(
        Dots(kind, _dots(frame, places))
        for kind, places in (("absent", absent), ("taken", taken))
        if len(places)
    )
    return PlaceMap(f"0 0 {width:.0f} {height:.0f}", _land(frame, width, height), dots, 6.0)


def _frame(places: Floats) -> tuple[_Frame, float, float]:
    if not len(places):
        places = np.array([[-60.0, -180.0], [80.0, 180.0]])
    south, west = places.min(axis=0)
    north, east = places.max(axis=0)
    up, across = (max(d, _SMALLEST_DEGREES) for d in (north - south, east - west))
    squeeze = max(float(np.cos(np.radians((north + south) / 2))), 0.1)
    up, across = max(up, across * squeeze / 4), max(across, up / squeeze / 2)
    middle = ((north + south) / 2, (east + west) / 2)
    up, across = up * (1 + 2 * _MARGIN), across * (1 + 2 * _MARGIN)
    unit = _WIDTH / (across * squeeze)
    frame = _Frame(middle[1] - across / 2, middle[0] + up / 2, unit, squeeze)
    return frame, _WIDTH, up * unit


def _dots(frame: _Frame, places: Floats) -> str:
    step = _WIDTH / _CELLS
    x, y = frame.x(places[:, 1]), frame.y(places[:, 0])
    cells = np.unique(np.round(np.stack([x, y], axis=1) / step), axis=0) * step
    return "".join(f"M{a:.1f} {b:.1f}h0" for a, b in cells)


def _land(frame: _Frame, width: float, height: float) -> str:
    """The outlines that reach into the map."""
    pieces = []
    for line in _outlines():
        x, y = frame.x(line[:, 0]), frame.y(line[:, 1])
        if x.max() >= 0 and x.min() <= width and y.max() >= 0 and y.min() <= height:
            pieces.append("M" + "L".join(f"{a:.0f} {b:.0f}" for a, b in _kept(x, y)) + "z")
    return "".join(pieces)


def _kept(x: Floats, y: Floats) -> Iterable[tuple[float, float]]:
    far = 20 * _WIDTH  # what lies far outside only has to be on the right side
    return zip(x.clip(-far, far), y.clip(-far, far), strict=True)


@cache
def _outlines() -> tuple[Floats, ...]:
    return tuple(_read_outlines())


def _read_outlines() -> Iterator[Floats]:
    file = resources.files("georay.core") / "world_outline.json"
    for steps in json.loads(file.read_text(encoding="utf-8"))["land"]:
        longitudes, latitudes = accumulate(steps[0::2]), accumulate(steps[1::2])
        yield np.stack([np.fromiter(longitudes, float), np.fromiter(latitudes, float)], axis=1) / 10
