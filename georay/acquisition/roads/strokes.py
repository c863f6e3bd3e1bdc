"""Strokes: segments joined to the roads that a driver sees, through nodes of two and junctions.

At a node of two segments the road goes on, whatever the angle. At a junction two segments are one
road if they bear one name or number and turn by at most 60 degrees, or, among those left over, if
they turn by at most 45 degrees; the straightest pair first (Thomson and Richardson 1999).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from georay.acquisition.roads.network import Flags, Floats, Ints, Network

SAME_ROAD_TURN = 60.0
OTHER_ROAD_TURN = 45.0


@dataclass(frozen=True)
class Stroke:
    """A line of segments, each run through forward or backward. `offsets` [S + 1] in metres."""

    segments: Ints
    forward: Flags
    offsets: Floats

    @property
    def length(self) -> float:
        return float(self.offsets[-1] - self.offsets[0])

    def part(self, first: int, last: int) -> "Stroke":
        """The stroke of its segments `first` to `last` - 1."""
        return Stroke(
            self.segments[first:last], self.forward[first:last], self.offsets[first : last + 1]
        )


def strokes(network: Network) -> list[Stroke]:
    """Every segment in exactly one stroke; the longest stroke first."""
    partner = _partners(network)
    lengths = network.lengths
    found = [_stroke(halves, lengths) for halves in _walks(network, partner)]
    # Equal lengths keep the order of their first node, so nothing depends on the extract's order.
    return sorted(found, key=lambda stroke: -round(stroke.length, 3))


def _stroke(halves: list[int], lengths: Floats) -> Stroke:
    """halves: the half-segments at which each segment is entered."""
    entered = np.array(halves, dtype=np.int64)
    segments = entered // 2
    offsets = np.concatenate([[0.0], np.cumsum(lengths[segments])])
    return Stroke(segments, entered % 2 == 0, offsets)


def _walks(network: Network, partner: Ints) -> Iterator[list[int]]:
    """Lines from end to end first, then the loops without an end, each from its first node."""
    num_halves = len(partner)
    node_of = network.segments.reshape(-1)
    order = np.lexsort((np.arange(num_halves), node_of))
    is_end = partner[order] < 0
    follow = partner.tolist()
    done = bytearray(num_halves // 2)
    for half in (*order[is_end].tolist(), *order.tolist()):
        walk: list[int] = []
        while half >= 0 and not done[half // 2]:
            done[half // 2] = 1
            walk.append(half)
            half = follow[half ^ 1]
        if walk:
            yield walk


def _partners(network: Network) -> Ints:
    """[2 M] for each half-segment (2 s at the start of segment s, 2 s + 1 at its end) the one that
    continues it at its node, or -1."""
    node_of = network.segments.reshape(-1)
    partner = np.full(len(node_of), -1, dtype=np.int64)
    order = np.argsort(node_of, kind="stable")
    _, first, degree = np.unique(node_of[order], return_index=True, return_counts=True)
    pairs = first[degree == 2]
    partner[order[pairs]] = order[pairs + 1]
    partner[order[pairs + 1]] = order[pairs]
    heading = _headings_away(network)
    for start, number in zip(first[degree > 2].tolist(), degree[degree > 2].tolist(), strict=True):
        for one, other in _straightest(network, order[start : start + number].tolist(), heading):
            partner[one], partner[other] = other, one
    return partner


def _headings_away(network: Network) -> Floats:
    """[2 M] degrees of each half-segment, seen from its node."""
    east, north = network.vectors.T
    start = np.degrees(np.arctan2(north, east))
    return np.stack([start, start + 180.0], axis=1).reshape(-1)


def _straightest(network: Network, halves: list[int], heading: Floats) -> list[tuple[int, int]]:
    """The pairs of half-segments at one junction that are one road."""
    candidates = []
    for position, one in enumerate(halves):
        for other in halves[position + 1 :]:
            turn = abs(180.0 - abs((heading[one] - heading[other] + 180.0) % 360.0 - 180.0))
            is_same = _is_one_road(network, one, other)
            if turn <= (SAME_ROAD_TURN if is_same else OTHER_ROAD_TURN):
                candidates.append((not is_same, round(turn, 6), one, other))
    taken: set[int] = set()
    chosen = []
    for _, _, one, other in sorted(candidates):
        if not {one, other} & taken:
            taken |= {one, other}
            chosen.append((one, other))
    return chosen


def _is_one_road(network: Network, one: int, other: int) -> bool:
    roads, road_of = network.roads, network.road_of
    return roads[road_of[one // 2]].continues_as(roads[road_of[other // 2]])
