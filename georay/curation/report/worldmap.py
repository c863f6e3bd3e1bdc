"""The world map: land outlines and the pictures' places in the Natural Earth projection."""

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
# Natural Earth projection (Šavrič, Jenny, Patterson, Petrovič, Hurni 2011): powers of the latitude.
_X_TERMS = {0: 0.8707, 2: -0.131979, 4: -0.013791, 10: 0.003971, 12: -0.001529}
_Y_TERMS = {0: 1.007226, 2: 0.015085, 6: -0.044475, 8: 0.028874, 10: -0.005916}
_SIZE_LIMITS = np.array([1, 9, 99])
_SIZE_SHARES = np.array([0.01, 0.1, 0.4])
"""A dot grows past each of these counts, or shares of the fullest place if those are more."""


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


def project(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Degrees to SVG units: the equator is WIDTH long, y grows southward from the northern edge."""
    north = np.radians(np.array([_NORTH]))
    phi = np.radians(latitude)
    unit = WIDTH / (2 * np.pi * _X_TERMS[0])
    x = WIDTH / 2 + unit * np.radians(longitude) * _polynomial(_X_TERMS, phi)
    y = unit * (north * _polynomial(_Y_TERMS, north) - phi * _polynomial(_Y_TERMS, phi))
    return x, y


def _polynomial(terms: dict[int, float], phi: Floats) -> Floats:
    total: Floats = np.zeros_like(phi)
    for power, factor in terms.items():
        total = total + factor * phi**power
    return total


def world_map(places: Places) -> WorldMap:
    """The map with one dot per place; dropped places lie beneath kept ones."""
    land, borders = _outlines()
    south = (
        -90.0
        if (places.latitude < _SOUTH_WITHOUT_ANTARCTICA).any()
        else (_SOUTH_WITHOUT_ANTARCTICA)
    )
    height = project(np.array([0.0]), np.array([south]))[1][0]
    return WorldMap(f"0 0 {WIDTH:g} {height:.0f}", land, borders, _dots(places))


def _dots(places: Places) -> list[Dots]:
    x, y = project(places.longitude, places.latitude)
    fullest = max(places.kept.max(initial=0), places.dropped.max(initial=0))
    limits = np.maximum(_SIZE_LIMITS, _SIZE_SHARES * fullest)
    layers = []
    for kept, count in ((False, places.dropped), (True, places.kept)):
        size = np.digitize(count, limits, right=True)
        for step in range(len(limits) + 1):
            chosen = (count > 0) & (size == step)
            if chosen.any():
                path = "".join(
                    f"M{a:.1f} {b:.1f}h0" for a, b in zip(x[chosen], y[chosen], strict=True)
                )
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
    x, y = project(degrees[:, 0], degrees[:, 1])
    points: NDArray[np.int64] = np.round(np.stack([x, y], axis=1) * 10).astype(np.int64)
    moves = np.diff(points, axis=0, prepend=0)
    first, rest = moves[0], moves[1:]
    return f"M{first[0] / 10:g} {first[1] / 10:g}l" + " ".join(
        f"{a / 10:g} {b / 10:g}" for a, b in rest
    )
