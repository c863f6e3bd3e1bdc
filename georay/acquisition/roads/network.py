"""The road network of a city in the plane: nodes, and the straight segments between them."""

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from georay.acquisition.roads.boundary import Boundary
from georay.acquisition.roads.drivable import Road
from georay.acquisition.roads.extract import RoadWays
from georay.acquisition.roads.projection import LocalPlane, unwrapped

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

ONE_WAY_PIECE_M = 20.0
"""One-way segments are cut to at most this length, so that carriageways compare piece by piece."""

_SAME_PLACE = 1e-3  # metres


@dataclass(frozen=True)
class Network:
    """Nodes and segments of the drivable roads, numbered the same whatever the extract's order.

    metres, degrees: [N, 2] places of the nodes, (east, north) and (longitude, latitude).
    Longitudes are within 180 degrees of the plane's centre. segments: [M, 2] nodes, in the
    direction of travel where that is one-way. road_of: [M] index into `roads`.
    """

    plane: LocalPlane
    metres: Floats
    degrees: Floats
    segments: Ints
    road_of: Ints
    roads: list[Road]

    @property
    def vectors(self) -> Floats:
        """[M, 2] metres from each segment's start to its end."""
        return self.metres[self.segments[:, 1]] - self.metres[self.segments[:, 0]]

    @property
    def lengths(self) -> Floats:
        """[M] metres."""
        return np.hypot(*self.vectors.T)

    @property
    def is_one_way(self) -> Flags:
        """[M] whether a segment is a one-way road and no roundabout."""
        one_way = [road.direction != 0 and not road.is_roundabout for road in self.roads]
        return np.array(one_way, dtype=bool)[self.road_of]


def build_network(ways: RoadWays, plane: LocalPlane) -> Network:
    """The network of whole ways. A segment that two ways share belongs to the first."""
    node_ids, first, node_of = np.unique(ways.node_ids, return_index=True, return_inverse=True)
    degrees = ways.degrees[first]
    degrees = np.stack([unwrapped(degrees[:, 0], plane.longitude), degrees[:, 1]], axis=1)
    inside_way = np.ones(len(node_of), dtype=bool)
    inside_way[ways.starts[1:] - 1] = False
    start = np.flatnonzero(inside_way)
    segments = np.stack([node_of[start], node_of[start + 1]], axis=1).astype(np.int64)
    road_of = np.repeat(np.arange(len(ways.roads)), np.diff(ways.starts) - 1)
    metres = plane.to_metres(degrees).reshape(len(node_ids), 2)
    return _tidied(Network(plane, metres, degrees, segments, road_of, ways.roads))


def _tidied(network: Network) -> Network:
    """Without segments that lead nowhere or lie on an earlier one."""
    ends = np.sort(network.segments, axis=1)
    _, first = np.unique(ends, axis=0, return_index=True)
    kept = np.sort(first)
    kept = kept[ends[kept, 0] != ends[kept, 1]]
    return replace(network, segments=network.segments[kept], road_of=network.road_of[kept])


def clip(network: Network, boundary: Boundary) -> Network:
    """What of the network lies within the boundary; roads are cut where they leave it."""
    shapely.prepare(boundary.area)
    lines = shapely.linestrings(network.metres[network.segments])
    inside = shapely.contains_properly(boundary.area, lines)
    crossing = np.flatnonzero(~inside & shapely.intersects(boundary.area, lines))
    parts, of = shapely.get_parts(
        shapely.intersection(lines[crossing], boundary.area), return_index=True
    )
    is_line = (shapely.get_type_id(parts) == 1) & (shapely.length(parts) > _SAME_PLACE)
    parts, of = parts[is_line], crossing[of[is_line]]
    cut = _cut_at(network, of, _shares(network, of, parts))
    kept = np.flatnonzero(inside)
    order = np.argsort(np.concatenate([kept, of]), kind="stable")
    return replace(
        cut,
        segments=np.concatenate([network.segments[kept], cut.segments])[order],
        road_of=np.concatenate([network.road_of[kept], cut.road_of])[order],
    )


def _shares(network: Network, of: Ints, parts: NDArray[np.object_]) -> Floats:
    """[P, 2] where along its segment each part begins and ends, 0 to 1."""
    ends = np.stack(
        [
            shapely.get_coordinates(shapely.get_point(parts, 0)),
            shapely.get_coordinates(shapely.get_point(parts, -1)),
        ],
        axis=1,
    ).reshape(-1, 2, 2)
    vectors, lengths = network.vectors[of], network.lengths[of]
    along = ((ends - network.metres[network.segments[of, 0]][:, None]) * vectors[:, None]).sum(-1)
    shares = np.sort(along / (lengths**2)[:, None], axis=1)
    near = _SAME_PLACE / lengths[:, None]
    return np.where(shares < near, 0.0, np.where(shares > 1 - near, 1.0, shares))


def _cut_at(network: Network, of: Ints, shares: Floats) -> Network:
    """Parts of segments as a network of their own over the old nodes and new ones at the cuts."""
    start, end = network.segments[of].T if len(of) else (of, of)
    nodes = np.stack([start, end], axis=1)
    is_new = (shares > 0) & (shares < 1)
    nodes = np.where(shares >= 1, end[:, None], np.where(shares <= 0, start[:, None], nodes))
    nodes[is_new] = len(network.metres) + np.arange(is_new.sum())
    parent = np.broadcast_to(np.arange(len(of))[:, None], is_new.shape)[is_new]
    share = shares[is_new][:, None]

    def between(places: Floats) -> Floats:
        new = places[start[parent]] * (1 - share) + places[end[parent]] * share
        return np.concatenate([places, new])

    return replace(
        network,
        metres=between(network.metres),
        degrees=between(network.degrees),
        segments=nodes.astype(np.int64),
        road_of=network.road_of[of],
    )


def cut_one_ways(network: Network) -> Network:
    """The network with one-way segments cut to equal pieces of at most ONE_WAY_PIECE_M."""
    num_pieces = (
        np.where(network.is_one_way, np.ceil(network.lengths / ONE_WAY_PIECE_M), 1)
        .astype(np.int64)
        .clip(1)
    )
    of = np.repeat(np.arange(len(num_pieces)), num_pieces)
    number = np.arange(len(of)) - np.repeat(np.cumsum(num_pieces) - num_pieces, num_pieces)
    total = num_pieces[of]
    inner = number > 0  # a piece that begins between the ends of its segment
    new_node = len(network.metres) + np.cumsum(inner) - 1
    segments = network.segments[of].copy()
    segments[inner, 0] = new_node[inner]
    before = np.flatnonzero(inner) - 1
    segments[before, 1] = new_node[inner]
    share = (number / total)[inner][:, None]
    start, end = network.segments[of[inner]].T

    def between(places: Floats) -> Floats:
        return np.concatenate([places, places[start] * (1 - share) + places[end] * share])

    return replace(
        network,
        metres=between(network.metres),
        degrees=between(network.degrees),
        segments=segments,
        road_of=network.road_of[of],
    )
