"""The world map: land outlines and the pictures' places in the Natural Earth projection."""

from dataclasses import dataclass

import numpy as np

from georay.core.world_outline import WIDTH, outlines, project
from georay.curation.report.figures import Places

_SOUTH_WITHOUT_ANTARCTICA = -57.0
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


def world_map(places: Places) -> WorldMap:
    """The map with one dot per place; dropped places lie beneath kept ones."""
    land, borders = outlines()
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
