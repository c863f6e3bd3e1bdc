"""Drivable ways out of an OpenStreetMap extract of any size, in one pass.

The nodes come first in an extract. Their locations go into pyosmium's index: in memory for small
files, on disk for large ones. Of the ways, only drivable ones that touch the box are kept, so
memory grows with the city and not with the extract.
"""

import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import osmium
from numpy.typing import NDArray

from georay.acquisition.roads.drivable import Road, drivable_road

SUFFIXES = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2")
LARGE_BYTES = 8 << 20
"""A file above it, about a million nodes as PBF, has its node locations on disk."""

_UNIT = 1e7  # OpenStreetMap stores degrees in steps of 1e-7
_REPORT_EVERY = 1_000


@dataclass(frozen=True)
class Box:
    """Degrees; `west` and `east` are within 180 of `about`, and may so lie beyond ±180."""

    about: float
    west: float
    south: float
    east: float
    north: float

    def touches(self, degrees: NDArray[np.float64]) -> bool:
        """Whether the box around points [N, 2], longitude and latitude, meets this one."""
        longitude = (degrees[:, 0] - self.about + 180) % 360 - 180 + self.about
        latitude = degrees[:, 1]
        return bool(
            longitude.max() >= self.west
            and longitude.min() <= self.east
            and latitude.max() >= self.south
            and latitude.min() <= self.north
        )


@dataclass(frozen=True)
class RoadWays:
    """Ways with their nodes, by way id. `pieces` are runs of nodes that the extract has.

    roads: one per piece. node_ids, degrees: all pieces one behind the other, [N] and [N, 2] of
    longitude, latitude. starts: [len(roads) + 1] where each piece begins.
    num_incomplete: ways of which the extract lacks nodes.
    """

    roads: list[Road]
    node_ids: NDArray[np.int64]
    degrees: NDArray[np.float64]
    starts: NDArray[np.int64]
    num_incomplete: int


def check_extract(path: Path) -> None:
    """Raises ValueError if the path cannot be an extract, with what to do."""
    if not path.is_file():
        raise ValueError(f"no OpenStreetMap extract at {path}")
    if not path.name.lower().endswith(SUFFIXES):
        raise ValueError(f"{path} is no OpenStreetMap extract: give one of {', '.join(SUFFIXES)}")
    if not path.stat().st_size:
        raise ValueError(f"the extract {path} is empty; download it again")


def unheard(num_roads: int) -> None:
    """For work whose progress nobody follows."""


def read_road_ways(
    path: Path,
    classes: Collection[str],
    box: Box | None,
    on_read: Callable[[int], None] = unheard,
) -> RoadWays:
    """The drivable ways of an extract that touch a box (all of them without one), by way id.

    on_read: called now and then with the number of roads read since its last call.
    Raises ValueError if the extract is broken or its nodes do not come before its ways.
    """
    found: list[_Piece] = []
    seen: set[int] = set()
    num_incomplete = num_roads = 0
    for way in _highways(path):
        road = drivable_road(way.id, dict(way.tags), classes)
        if road is None:
            continue
        num_roads += 1
        if num_roads % _REPORT_EVERY == 0:
            on_read(_REPORT_EVERY)
        pieces = list(_known_pieces(road, way.nodes))
        num_incomplete += sum(len(piece.node_ids) for piece in pieces) < len(way.nodes)
        if road.way_id in seen:  # joined extracts repeat what lies on their seam
            continue
        seen.add(road.way_id)
        found += [piece for piece in pieces if box is None or box.touches(piece.degrees)]
    on_read(num_roads % _REPORT_EVERY)
    if num_roads and num_incomplete == num_roads and not found:
        raise ValueError(
            f"no road of {path} has its nodes: sort it (`osmium sort`), so that nodes come first"
        )
    return _joined(found, num_incomplete)


@dataclass(frozen=True, slots=True)
class _Piece:
    road: Road
    node_ids: NDArray[np.int64]
    degrees: NDArray[np.float64]


def _highways(path: Path) -> Iterator[osmium.osm.Way]:
    with located_ways(path, osmium.filter.KeyFilter("highway")) as ways:
        yield from ways


@contextmanager
def located_ways(path: Path, *filters: osmium.BaseFilter) -> Iterator[Iterable[osmium.osm.Way]]:
    """The ways of an extract that pass the filters, which know where their nodes are.

    Raises ValueError in place of osmium's own errors, with what to do.
    """
    check_extract(path)
    with tempfile.TemporaryDirectory(prefix="georay-nodes-") as scratch:
        storage = "flex_mem"
        if path.stat().st_size > LARGE_BYTES:
            storage = f"sparse_file_array,{scratch}/locations"
        with readable(path):
            entities = osmium.osm.NODE | osmium.osm.WAY
            reader = osmium.FileProcessor(str(path), entities).with_locations(storage)
            for each in (osmium.filter.EntityFilter(osmium.osm.WAY), *filters):
                reader = reader.with_filter(each)
            yield cast("Iterable[osmium.osm.Way]", reader)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turns osmium's errors about a file into a ValueError that says what to do."""
    try:
        yield
    except (RuntimeError, osmium.InvalidLocationError) as problem:
        raise ValueError(
            f"cannot read the extract {path}: {problem}; is it whole? Download it again"
        ) from problem


def _known_pieces(road: Road, nodes: osmium.osm.WayNodeList) -> Iterator[_Piece]:
    """Runs of at least two nodes whose locations the extract has."""
    run: list[tuple[int, int, int]] = []
    for node in nodes:
        location = node.location
        if location.valid():
            run.append((node.ref, location.x, location.y))
            continue
        yield from _piece(road, run)
        run = []
    yield from _piece(road, run)


def _piece(road: Road, run: list[tuple[int, int, int]]) -> Iterator[_Piece]:
    if len(run) > 1:
        numbers = np.array(run, dtype=np.int64)
        if road.direction < 0:
            numbers = numbers[::-1]
        yield _Piece(road, numbers[:, 0].copy(), numbers[:, 1:] / _UNIT)


def _joined(found: list[_Piece], num_incomplete: int) -> RoadWays:
    found.sort(key=lambda piece: piece.road.way_id)
    sizes = [len(piece.node_ids) for piece in found]
    ids = [piece.node_ids for piece in found]
    degrees = [piece.degrees for piece in found]
    return RoadWays(
        roads=[piece.road for piece in found],
        node_ids=np.concatenate([np.empty(0, np.int64), *ids]),
        degrees=np.concatenate([np.empty((0, 2)), *degrees]),
        starts=np.cumsum([0, *sizes], dtype=np.int64),
        num_incomplete=num_incomplete,
    )
