"""Dual carriageways: which pieces of one-way road run beside their opposite, so count once.

Two one-way pieces are carriageways of one road if they head in opposite directions (within 30
degrees), lie at most 40 m apart, and bear the same name or number, or neither and the same class.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely

from georay.acquisition.roads.drivable import Road
from georay.acquisition.roads.network import ONE_WAY_PIECE_M, Flags, Ints, Network
from georay.acquisition.roads.strokes import Stroke

MEDIAN_M = 40.0
_OPPOSITE = np.cos(np.radians(150.0))
SHORTEST_RUN_M = 60.0
"""A shorter change from one carriageway to two, or back, belongs to a crossing: passed over."""


@dataclass(frozen=True)
class Line:
    """A stretch of a stroke, numbered by `road`. `is_twin`: its points stand on the opposite
    carriageway already."""

    stroke: Stroke
    road: int
    is_twin: bool


@dataclass(frozen=True)
class Sides:
    """Pairs of opposite pieces: `twins[starts[s]:starts[s + 1]]` are those of segment s."""

    starts: Ints
    twins: Ints

    def of(self, segment: int) -> Ints:
        return self.twins[self.starts[segment] : self.starts[segment + 1]]


def opposite_sides(network: Network) -> Sides:
    """For each one-way piece those of the opposite carriageway beside it, the nearest first."""
    pieces = np.flatnonzero(network.is_one_way)
    middles = network.metres[network.segments[pieces]].mean(axis=1)
    points = shapely.points(middles)
    one, other = shapely.STRtree(points).query(
        points, predicate="dwithin", distance=MEDIAN_M + ONE_WAY_PIECE_M / 2
    )
    units = network.vectors[pieces] / np.maximum(network.lengths[pieces], 1e-9)[:, None]
    apart = middles[other] - middles[one]
    along = np.abs((apart * units[one]).sum(axis=1))
    aside = np.abs(apart[:, 0] * units[one, 1] - apart[:, 1] * units[one, 0])
    is_beside = (along <= ONE_WAY_PIECE_M) & (aside <= MEDIAN_M)
    is_opposite = (units[one] * units[other]).sum(axis=1) <= _OPPOSITE
    kept = is_beside & is_opposite
    one, other, distance = one[kept], other[kept], np.hypot(*apart[kept].T)
    first, second = network.road_of[pieces[one]], network.road_of[pieces[other]]
    is_same = np.array(
        [_one_road(network.roads[a], network.roads[b]) for a, b in zip(first, second, strict=True)],
        dtype=bool,
    )
    one, other, distance = pieces[one[is_same]], pieces[other[is_same]], distance[is_same]
    order = np.lexsort((other, np.round(distance, 3), one))
    starts = np.searchsorted(one[order], np.arange(len(network.segments) + 1))
    return Sides(starts.astype(np.int64), other[order])


def _one_road(one: Road, other: Road) -> bool:
    if one.name is None and one.ref is None and other.name is None and other.ref is None:
        return one.road_class == other.road_class
    return one.continues_as(other)


def lines_of(
    network: Network, all_strokes: list[Stroke], sides: Sides
) -> tuple[list[Line], dict[int, int]]:
    """Strokes as lines that are sampled or twins, and for each twin piece the piece beside it.

    In the strokes' order, so of two carriageways the one on the longer stroke is sampled.
    """
    sampled = np.zeros(len(network.segments), dtype=bool)
    beside: dict[int, int] = {}
    lines: list[Line] = []
    for stroke in all_strokes:
        is_twin = np.zeros(len(stroke.segments), dtype=bool)
        for position, segment in enumerate(stroke.segments.tolist()):
            other = next((t for t in sides.of(segment).tolist() if sampled[t]), None)
            if other is not None:
                is_twin[position] = True
                beside[segment] = other
            else:
                sampled[segment] = True
        for line in _runs(stroke, len(lines), is_twin):
            sampled[line.stroke.segments] = not line.is_twin
            lines.append(line)
    return lines, beside


def _runs(stroke: Stroke, first_road: int, is_twin: Flags) -> list[Line]:
    """The stroke cut where it changes between sampled and twin; short changes are passed over."""
    bounds = _bounds(is_twin)
    smooth = is_twin.copy()
    for first, last in bounds[1:-1]:
        if stroke.offsets[last] - stroke.offsets[first] < SHORTEST_RUN_M:
            smooth[first:last] = ~is_twin[first]
    return [
        Line(stroke.part(first, last), first_road + number, bool(smooth[first]))
        for number, (first, last) in enumerate(_bounds(smooth))
    ]


def _bounds(flags: Flags) -> list[tuple[int, int]]:
    changes = np.flatnonzero(flags[1:] != flags[:-1]) + 1
    edges = [0, *changes.tolist(), len(flags)]
    return list(pairwise(edges))
