"""World maps of a judgement: where answers are right, and which countries are taken for which."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from georay.core.gazetteer import Gazetteer
from georay.core.world_outline import WIDTH, outlines, project
from georay.evaluation.confusion import Confusion
from georay.evaluation.outcomes import Floats, Mask

_SOUTH = -57.0  # Antarctica is drawn only where a picture lies on it
_CELL_DEGREES = 0.5
_MOST_PLACES = 3000
_SIZES = (1, 9, 99)
_MOST_ARCS = 60


@dataclass(frozen=True)
class Layer:
    """Places of one kind, "right" or "wrong", and one size, as one SVG path of short strokes."""

    kind: str
    size: int
    path: str


@dataclass(frozen=True)
class Arc:
    """A line from the true country to the one that was answered; width in SVG units."""

    path: str
    width: float
    title: str


@dataclass(frozen=True)
class WorldMap:
    """What the page draws, in SVG units."""

    view_box: str
    land: str
    borders: str
    layers: tuple[Layer, ...] = ()
    arcs: tuple[Arc, ...] = ()


def map_of_places(points: Floats, right: Mask) -> WorldMap:
    """A dot per half degree in which pictures [number, 2] lie, larger for more of them.

    Right ones lie above wrong ones; of very many places the fullest are shown.
    """
    cells = np.floor(points / _CELL_DEGREES).astype(np.int64)
    places, where = np.unique(cells, axis=0, return_inverse=True)
    total = np.bincount(where.reshape(-1), minlength=len(places))
    num_right = np.bincount(where.reshape(-1)[right], minlength=len(places))
    fullest = np.argsort(-total, kind="stable")[:_MOST_PLACES]
    centres: Floats = (places[fullest] + 0.5) * np.float64(_CELL_DEGREES)
    counts = {"wrong": (total - num_right)[fullest], "right": num_right[fullest]}
    layers = [layer for kind, count in counts.items() for layer in _layers(kind, centres, count)]
    south = -90.0 if len(points) and points[:, 0].min() < _SOUTH else _SOUTH
    return _map(south, layers=tuple(layers))


def _layers(kind: str, centres: Floats, count: NDArray[np.int64]) -> list[Layer]:
    x, y = project(centres[:, 1], centres[:, 0])
    size = np.digitize(count, _SIZES, right=True)
    found = []
    for step in range(len(_SIZES) + 1):
        chosen = (count > 0) & (size == step)
        if chosen.any():
            strokes = zip(x[chosen], y[chosen], strict=True)
            found.append(Layer(kind, step, "".join(f"M{a:.1f} {b:.1f}h0" for a, b in strokes)))
    return found


def map_of_mistakes(found: Confusion) -> WorldMap:
    """A line for each of the most frequent confusions of two countries, from true to answered."""
    most = found.wrong[0].count if found.wrong else 1
    name_of = Gazetteer.load().country_name
    arcs = [
        Arc(
            _arc(one.truth, one.answer),
            round(1 + 5 * one.count / most, 2),
            f"{name_of(one.truth)} taken for {name_of(one.answer)}: {one.count:,}",
        )
        for one in found.wrong[:_MOST_ARCS]
    ]
    return _map(_SOUTH, arcs=tuple(arcs))


def _arc(truth: str, answer: str) -> str:
    """A curve that leaves to the right of the straight line, so that two directions stay apart."""
    (x, y), (to_x, to_y) = _at(truth), _at(answer)
    bend_x, bend_y = (x + to_x) / 2 + (to_y - y) * 0.18, (y + to_y) / 2 - (to_x - x) * 0.18
    return f"M{x:.1f} {y:.1f}Q{bend_x:.1f} {bend_y:.1f} {to_x:.1f} {to_y:.1f}"


def _at(country: str) -> tuple[float, float]:
    """Where a country's largest town is on the map; without towns in a corner of it."""
    towns = Gazetteer.load().cities(country)
    if not towns:
        return 0.0, 0.0
    x, y = project(np.array([towns[0].longitude]), np.array([towns[0].latitude]))
    return float(x[0]), float(y[0])


def _map(south: float, layers: tuple[Layer, ...] = (), arcs: tuple[Arc, ...] = ()) -> WorldMap:
    land, borders = outlines()
    height = project(np.array([0.0]), np.array([south]))[1][0]
    return WorldMap(f"0 0 {WIDTH:g} {height:.0f}", land, borders, layers, arcs)
