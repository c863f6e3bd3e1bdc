"""Points at regular distances along roads, and further ones until no place is too far from one.

A line of length L gets floor(L / interval) points, `interval` apart, with what is left over shared
between its two ends: so every place of it is within the interval of a point. Lines shorter than
the interval get none of their own. Then, the longest first, a line of which some place is farther
than the interval from every point, along the network in any direction, gets one in its middle.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from georay.acquisition.roads.carriageways import Line, lines_of, opposite_sides
from georay.acquisition.roads.network import Flags, Floats, Ints, Network
from georay.acquisition.roads.strokes import Stroke, strokes

# Places are stored to a centimetre: a line this much short of a multiple counts as that long.
_TOLERANCE_M = 0.1


@dataclass(frozen=True)
class Sampled:
    """Places on a network. segment, share: [P] the segment and where along it, 0 to 1.
    road: [P] number of the line. offset: [P] metres from the beginning of its stroke.
    is_regular: [P] True for points at intervals, False for those that fill a gap.
    """

    segment: Ints
    share: Floats
    road: Ints
    offset: Floats
    is_regular: Flags


@dataclass(frozen=True)
class _Place:
    segment: int
    share: float
    road: int
    offset: float
    is_regular: bool


def sample(network: Network, interval: float) -> Sampled:
    """Sampling points of a network whose one-way segments were cut (`cut_one_ways`)."""
    lines, beside = lines_of(network, strokes(network), opposite_sides(network))
    places = [place for line in lines for place in _regular(line, interval)]
    reach = _Reach(network, beside)
    reach.add(places)
    for line in sorted(lines, key=lambda line: (-round(line.stroke.length, 3), line.road)):
        if line.is_twin or not _fitting(line, interval):
            places += _filling(line, interval, reach)
    return _as_columns(places)


def _regular(line: Line, interval: float) -> Iterator[_Place]:
    number = 0 if line.is_twin else _fitting(line, interval)
    first = line.stroke.offsets[0] + (line.stroke.length - (number - 1) * interval) / 2
    for step in range(number):
        yield _at(line, float(first + step * interval), is_regular=True)


def _fitting(line: Line, interval: float) -> int:
    """How many intervals a line is long."""
    return int((line.stroke.length + _TOLERANCE_M) // interval)


def _filling(line: Line, interval: float, reach: "_Reach") -> Iterator[_Place]:
    """Points that are needed so that every place of the line is within reach of one."""
    while (farthest := reach.farthest(line.stroke))[1] > interval + _TOLERANCE_M:
        half = (line.stroke.offsets[0] + line.stroke.offsets[-1]) / 2
        is_short = not _fitting(line, interval)
        place = _at(line, float(half if is_short else farthest[0]), is_regular=False)
        reach.add([place])
        yield place
        if is_short:
            return


def _at(line: Line, offset: float, *, is_regular: bool) -> _Place:
    stroke = line.stroke
    position = int(np.searchsorted(stroke.offsets, offset, side="right")) - 1
    position = min(max(position, 0), len(stroke.segments) - 1)
    start, end = stroke.offsets[position : position + 2]
    share = min(max(float((offset - start) / max(end - start, 1e-9)), 0.0), 1.0)
    if not stroke.forward[position]:
        share = 1.0 - share
    return _Place(int(stroke.segments[position]), share, line.road, offset, is_regular)


class _Reach:
    """Metres from every node to the nearest point, along the network in any direction.

    A twin carriageway is joined to the one beside it, piece by piece, by the width between them:
    both are one road.
    """

    def __init__(self, network: Network, beside: dict[int, int]) -> None:
        self._segments = network.segments
        self._lengths = network.lengths
        self._metres = [float("inf")] * len(network.metres)
        starts, ends, lengths = self._links(network, beside)
        order = np.argsort(starts, kind="stable")
        self._first = np.searchsorted(starts[order], np.arange(len(network.metres) + 1)).tolist()
        self._to = ends[order].tolist()
        self._length = lengths[order].tolist()

    def _links(self, network: Network, beside: dict[int, int]) -> tuple[Ints, Ints, Floats]:
        """Both directions of every segment and of every crossing between carriageways."""
        crossings = _crossings(network, beside)
        pairs = np.concatenate([network.segments, crossings])
        apart = network.metres[pairs[:, 0]] - network.metres[pairs[:, 1]]
        lengths = np.hypot(*apart.T)
        return (
            np.concatenate([pairs[:, 0], pairs[:, 1]]),
            np.concatenate([pairs[:, 1], pairs[:, 0]]),
            np.concatenate([lengths, lengths]),
        )

    def add(self, places: list[_Place]) -> None:
        """Tells of new points."""
        queue: list[tuple[float, int]] = []
        for place in places:
            length = float(self._lengths[place.segment])
            start, end = self._segments[place.segment].tolist()
            queue += [(place.share * length, start), ((1 - place.share) * length, end)]
        heapq.heapify(queue)
        metres, first, to, lengths = self._metres, self._first, self._to, self._length
        while queue:
            distance, node = heapq.heappop(queue)
            if distance >= metres[node]:
                continue
            metres[node] = distance
            for link in range(first[node], first[node + 1]):
                further = distance + lengths[link]
                if further < metres[to[link]]:
                    heapq.heappush(queue, (further, to[link]))

    def farthest(self, stroke: Stroke) -> tuple[float, float]:
        """(offset of its end that is farther, metres) of the segment with the farthest place."""
        ends = self._segments[stroke.segments]
        ends = np.where(stroke.forward[:, None], ends, ends[:, ::-1])
        start = np.array([self._metres[node] for node in ends[:, 0].tolist()])
        end = np.array([self._metres[node] for node in ends[:, 1].tolist()])
        worst = (start + end + self._lengths[stroke.segments]) / 2
        at = int(worst.argmax())
        return float(stroke.offsets[at + (end[at] > start[at])]), float(worst[at])


def _crossings(network: Network, beside: dict[int, int]) -> Ints:
    """[C, 2] nodes of twin pieces with the nearer node of the piece beside them."""
    if not beside:
        return np.empty((0, 2), dtype=np.int64)
    twins = network.segments[np.array(list(beside), dtype=np.int64)]
    others = network.segments[np.array(list(beside.values()), dtype=np.int64)]
    apart = network.metres[twins][:, :, None] - network.metres[others][:, None]
    nearer = np.hypot(apart[..., 0], apart[..., 1]).argmin(axis=2)
    pairs = np.stack([twins, np.take_along_axis(others, nearer, axis=1)], axis=-1).reshape(-1, 2)
    return pairs[pairs[:, 0] != pairs[:, 1]]


def _as_columns(places: list[_Place]) -> Sampled:
    return Sampled(
        segment=np.array([place.segment for place in places], dtype=np.int64),
        share=np.array([place.share for place in places], dtype=np.float64),
        road=np.array([place.road for place in places], dtype=np.int64),
        offset=np.array([place.offset for place in places], dtype=np.float64),
        is_regular=np.array([place.is_regular for place in places], dtype=bool),
    )
