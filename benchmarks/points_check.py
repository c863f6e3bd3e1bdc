"""An independent check of sampling points: it shares no code with `georay.acquisition`.

The extract is read by a handler of its own, lengths are geodesics on the ellipsoid (not a plane),
and distances along the network are Dijkstra's on a networkx graph into which the points are put.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise

import networkx as nx
import numpy as np
import osmium
import shapely
from pyproj import Geod

WGS84 = Geod(ellps="WGS84")
PLACE_STEP_M, STOP_STEP_M = 10.0, 20.0
_WITH_LINKS = ("motorway", "trunk", "primary", "secondary", "tertiary")
CLASSES = {
    *_WITH_LINKS,
    *(f"{name}_link" for name in _WITH_LINKS),
    *("unclassified", "residential", "living_street", "road"),
}
CLOSED = {"no", "private", "agricultural", "forestry", "emergency", "military"}
MEDIAN_M = 50.0  # 40 m between the carriageways, and half a piece of 20 m along them
MOST_PATHS = 400

Place = tuple[float, float]
Stop = tuple[str, int]


def is_drivable(tags: Mapping[str, str]) -> bool:
    """The rule of the documentation, written a second time."""
    if tags.get("highway") not in CLASSES or tags.get("area") == "yes":
        return False
    if tags.get("service") in {"driveway", "parking_aisle", "emergency_access"}:
        return False
    for key in ("motorcar", "motor_vehicle", "vehicle", "access"):
        if key in tags:
            return tags[key] not in CLOSED
    return True


@dataclass
class Way:
    way_id: int
    tags: dict[str, str]
    nodes: list[int]
    places: list[Place]

    @property
    def one_way(self) -> int:
        said = self.tags.get("oneway")
        is_ring = self.tags.get("junction") in ("roundabout", "circular")
        if said is None:
            return int(self.tags["highway"] == "motorway" and not is_ring)
        return 0 if is_ring else {"yes": 1, "true": 1, "1": 1, "-1": -1}.get(said, 0)


class _Collect(osmium.SimpleHandler):
    def __init__(self) -> None:
        super().__init__()
        self.ways: list[Way] = []

    def way(self, way: osmium.osm.Way) -> None:
        tags = dict(way.tags)
        if not is_drivable(tags):
            return
        known = [n for n in way.nodes if n.location.valid()]
        if len(known) == len(way.nodes):
            places = [(n.location.lon, n.location.lat) for n in known]
            self.ways.append(Way(way.id, tags, [n.ref for n in known], places))


def read_ways(path: str) -> list[Way]:
    """The drivable ways of an extract that are whole in it."""
    collect = _Collect()
    collect.apply_file(path, locations=True)
    return collect.ways


def metres(one: Place, other: Place) -> float:
    return float(WGS84.inv(*one, *other)[2])


@dataclass
class Roads:
    """Straight road segments in a flat local frame for look-ups, and the network's graph."""

    ways: Sequence[Way]
    ends: list[tuple[int, int, Place, Place, Way]] = field(default_factory=list)

    def __post_init__(self) -> None:
        seen = set()
        for way in self.ways:
            for (a, p), (b, q) in pairwise(zip(way.nodes, way.places, strict=True)):
                if a != b and (min(a, b), max(a, b)) not in seen:
                    seen.add((min(a, b), max(a, b)))
                    self.ends.append((a, b, p, q, way))
        latitudes = [p[1] for _, _, p, _, _ in self.ends]
        self.shrink = math.cos(math.radians(float(np.mean(latitudes))))
        self.lines = shapely.linestrings(
            [[self.flat(p), self.flat(q)] for _, _, p, q, _ in self.ends]
        )
        self.tree = shapely.STRtree(self.lines)
        self.lengths = [metres(p, q) for _, _, p, q, _ in self.ends]

    def flat(self, place: Place) -> Place:
        """Metres in a plate carrée about the mean latitude: for what is near only."""
        return place[0] * 111_320 * self.shrink, place[1] * 110_990

    def nearest(self, place: Place, way_id: int) -> tuple[int, float, float]:
        """(segment, share along it, metres away) of the road nearest to a place.

        Of several within a metre, as where a bridge crosses a street, the one of the way.
        """
        point = shapely.Point(self.flat(place))
        near = self.tree.query(point, predicate="dwithin", distance=1.0).tolist()
        own = [segment for segment in near if self.ends[segment][4].way_id == way_id]
        candidates = own or [int(self.tree.nearest(point))]
        segment = min(candidates, key=lambda each: float(self.lines[each].distance(point)))
        line = self.lines[segment]
        share = float(line.project(point, normalized=True)) if line.length else 0.0
        _, _, p, q, _ = self.ends[segment]
        foot = (p[0] + share * (q[0] - p[0]), p[1] + share * (q[1] - p[1]))
        return segment, share, metres(place, foot)


@dataclass
class Checked:
    """A graph with points put in: nodes are ("node", id), ("point", row) and ("stop", number).

    stops: the segments and the place of every node on a one-way road.
    """

    roads: Roads
    away: list[float]
    graph: nx.Graph
    stops: dict[Stop, tuple[list[int], Place]]

    def spacing(self, pairs: Iterable[tuple[int, int]], interval: float) -> dict[str, object]:
        """For each pair of neighbours on one road, a path of the interval's length ± 1 %."""
        found: list[float] = []
        num_unmatched = 0
        for one, other in pairs:
            lengths = list(islice(self._paths(one, other, interval), MOST_PATHS))
            best = min(lengths, key=lambda length: abs(length - interval), default=math.inf)
            if abs(best - interval) <= 0.01 * interval:
                found.append(best)
            else:
                num_unmatched += 1
        errors = [abs(length / interval - 1) for length in found]
        return {
            "pairs": len(found) + num_unmatched,
            "pairs_without_such_a_path": num_unmatched,
            "largest_error_percent": round(100 * max(errors, default=0.0), 4),
        }

    def _paths(self, one: int, other: int, interval: float) -> Iterator[float]:
        """Lengths of simple paths, the shortest first, up to 1 % more than the interval."""
        start, end = ("point", one), ("point", other)
        if start not in self.graph or end not in self.graph:
            return
        near = nx.single_source_dijkstra_path_length(self.graph, start, 1.01 * interval)
        if end not in near:
            return
        yield near[end]
        if near[end] >= 0.99 * interval:
            return
        local = self.graph.subgraph(near).copy()
        for path in nx.shortest_simple_paths(local, start, end, weight="metres"):
            length = nx.path_weight(local, path, "metres")
            if length > 1.01 * interval:
                return
            yield length

    def coverage(self, *, as_one_road: bool) -> np.ndarray:
        """Metres along the network to a point, at places every 10 m of every segment.

        as_one_road: the crossings between carriageways (`join_carriageways`) count as ways.
        """

        def length(_one: object, _other: object, data: Mapping[str, float]) -> float | None:
            return data["metres"] if as_one_road or not data.get("crossing") else None

        points = [node for node in self.graph if node[0] == "point"]
        reach = nx.multi_source_dijkstra_path_length(self.graph, points, weight=length)
        found = []
        for one, other, data in self.graph.edges(data=True):
            if not data.get("crossing"):
                along = np.linspace(0, data["metres"], 2 + int(data["metres"] / PLACE_STEP_M))
                ends = reach.get(one, math.inf), reach.get(other, math.inf)
                found.append(np.minimum(ends[0] + along, ends[1] + along[::-1]))
        return np.concatenate(found)

    def join_carriageways(self) -> None:
        """Joins one-way roads with the opposite carriageway beside them, of one name or number."""
        stops = [node for node in self.graph if node in self.stops]
        places = [self.stops[node][1] for node in stops]
        flat = np.array([self.roads.flat(place) for place in places]).reshape(-1, 2)
        tree = shapely.STRtree(shapely.points(flat))
        for node, place in zip(stops, places, strict=True):
            here = shapely.Point(self.roads.flat(place))
            for row in tree.query(here, predicate="dwithin", distance=MEDIAN_M).tolist():
                other = stops[row]
                if not self.graph.has_edge(node, other) and self._are_opposite(node, other):
                    apart = metres(place, places[row])
                    self.graph.add_edge(node, other, metres=apart, crossing=True)

    def _are_opposite(self, one: Stop, other: Stop) -> bool:
        segments = ((a, b) for a in self.stops[one][0] for b in self.stops[other][0])
        return any(_opposite(self.roads, a, b) for a, b in segments)


def put_in(roads: Roads, points: Sequence[tuple[Place, int]]) -> Checked:
    """The graph of the roads with every point on the segment nearest to it, and a stop every 20 m
    of one-way roads. points: places, and the ways that they are said to be on."""
    on: dict[int, list[tuple[float, Stop]]] = defaultdict(list)
    away = []
    for row, (place, way_id) in enumerate(points):
        segment, share, distance = roads.nearest(place, way_id)
        away.append(distance)
        on[segment].append((share, ("point", row)))
    graph = nx.Graph()
    stops: dict[Stop, tuple[list[int], Place]] = {}
    for segment, (a, b, p, q, way) in enumerate(roads.ends):
        pieces = math.ceil(roads.lengths[segment] / STOP_STEP_M) if way.one_way else 1
        between = [(k / pieces, ("stop", segment * 10_000 + k)) for k in range(1, pieces)]
        line = [(0.0, ("node", a)), *sorted(on[segment] + between), (1.0, ("node", b))]
        for (low, one), (high, other) in pairwise(line):
            length = (high - low) * roads.lengths[segment]
            if not graph.has_edge(one, other) or graph[one][other]["metres"] > length:
                graph.add_edge(one, other, metres=length)
        if way.one_way:
            for share, node in line:
                place = (p[0] + share * (q[0] - p[0]), p[1] + share * (q[1] - p[1]))
                stops.setdefault(node, ([], place))[0].append(segment)
    return Checked(roads, away, graph, stops)


def _opposite(roads: Roads, one: int, other: int) -> bool:
    (_, _, p, q, way), (_, _, r, s, twin) = roads.ends[one], roads.ends[other]
    if not way.one_way or not twin.one_way or not _one_road(way.tags, twin.tags):
        return False
    first = WGS84.inv(*p, *q)[0] + (180 if way.one_way < 0 else 0)
    second = WGS84.inv(*r, *s)[0] + (180 if twin.one_way < 0 else 0)
    turn = abs((first - second + 180) % 360 - 180)
    return bool(turn >= 149)


def _one_road(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    shared = any(key in one and one[key] == other.get(key) for key in ("name", "ref"))
    bare = not any(key in tags for tags in (one, other) for key in ("name", "ref"))
    return shared or (bare and one["highway"] == other["highway"])
