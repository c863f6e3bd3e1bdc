"""The world map: Equal Earth projection of the land outlines and of the pictures' places."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from georay.curation.report.figures import Floats, Places

WIDTH = 1000.0
_SOUTH_WITHOUT_ANTARCTICA = -57.0
_NORTH = 84.0
_A = (1.340264, -0.081106, 0.000893, 0.003796)  # Šavrič, Patterson, Jenny 2018
_SIZE_LIMITS = (1, 9, 99)
"""Pictures in a place up to which the first, second and third dot size serve; more: the fourth."""


@dataclass(frozen=True)
class Dots:
    """Places of one verdict and one size, as a single SVG path of zero-length strokes."""

    kept: bool
    size: int
    path: str


@dataclass(frozen=True)
class WorldMap:
    """Everything that the page draws, in SVG units."""

    view_box: str
    land: str
    borders: str
    dots: list[Dots]


def equal_earth(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Degrees to the map plane: x in about ±2.71, y in about ±1.32, north up."""
    theta = np.arcsin(np.sqrt(3) / 2 * np.sin(np.radians(latitude)))
    square = theta**2
    slope = _A[0] + square * (3 * _A[1] + square**2 * (7 * _A[2] + square * 9 * _A[3]))
    x = 2 * np.sqrt(3) / 3 * np.radians(longitude) * np.cos(theta) / slope
    y = theta * (_A[0] + square * (_A[1] + square**2 * (_A[2] + square * _A[3])))
    return x, y


def to_svg(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Degrees to SVG units: the world is WIDTH wide, y grows southward from the northern edge."""
    half = equal_earth(np.array([180.0]), np.array([0.0]))[0][0]
    top = equal_earth(np.array([0.0]), np.array([_NORTH]))[1][0]
    x, y = equal_earth(longitude, latitude)
    return (x / half + 1) * WIDTH / 2, (top - y) / half * WIDTH / 2


def world_map(places: Places) -> WorldMap:
    """The map with one dot per place; dropped places lie beneath kept ones."""
    land, borders = _outlines()
    south = (
        -90.0
        if (places.latitude < _SOUTH_WITHOUT_ANTARCTICA).any()
        else (_SOUTH_WITHOUT_ANTARCTICA)
    )
    height = to_svg(np.array([0.0]), np.array([south]))[1][0]
    return WorldMap(f"0 0 {WIDTH:g} {height:.0f}", land, borders, _dots(places))


def _dots(places: Places) -> list[Dots]:
    x, y = to_svg(places.longitude, places.latitude)
    layers = []
    for kept, count in ((False, places.dropped), (True, places.kept)):
        size = np.digitize(count, _SIZE_LIMITS, right=True)
        for step in range(len(_SIZE_LIMITS) + 1):
            chosen = (count > 0) & (size == step)
            if chosen.any():
                path = "".join(f"M{a:.1f} {b:.1f}h0" for a, b in zip(x[chosen], y[chosen]))
                layers.append(Dots(kept, step, path))
    return layers


@cache
def _outlines() -> tuple[str, str]:
    file = resources.files("georay.core") / "world_outline.json"
    outline = json.loads(file.read_text(encoding="utf-8"))
    land = "".join(_path(line) + "z" for line in outline["land"])
    return land, "".join(_path(line) for line in outline["borders"])


def _path(steps: list[int]) -> str:
    degrees = np.cumsum(np.array(steps, dtype=np.int64).reshape(-1, 2), axis=0) / 10
    x, y = to_svg(degrees[:, 0], degrees[:, 1])
    points: NDArray[np.int64] = np.round(np.stack([x, y], axis=1) * 10).astype(np.int64)
    moves = np.diff(points, axis=0, prepend=0)
    first, rest = moves[0], moves[1:]
    return f"M{first[0] / 10:g} {first[1] / 10:g}l" + " ".join(
        f"{a / 10:g} {b / 10:g}" for a, b in rest
    )
