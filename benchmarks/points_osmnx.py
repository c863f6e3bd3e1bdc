"""Sampling points beside osmnx (Boeing 2017) on the same extract: length, number, coverage.

osmnx brings its own rule of what is drivable, its own graph and its own lengths (great circles).
"""

import re
from collections.abc import Mapping
from pathlib import Path

import networkx as nx
import numpy as np
import osmium
import osmnx

Row = dict[str, object]
_RULE = re.compile(r'\["(?P<key>[^"]+)"(?:!~"(?P<values>[^"]*)")?\]')


def compare(extract: Path, tables: Mapping[float, list[Row]], scratch: Path) -> Row:
    """Road length by osmnx; for each interval its own number of points, and how far the nodes of
    its graph are from the points of the tables along that graph."""
    xml = scratch / f"{extract.name}-drive.osm"
    _write_drivable(extract, xml)
    raw = osmnx.graph_from_xml(xml, simplify=False, retain_all=True)
    streets = osmnx.convert.to_undirected(osmnx.simplify_graph(raw))
    undirected = osmnx.convert.to_undirected(raw)
    kilometres = sum(data["length"] for _, _, data in undirected.edges(data=True)) / 1000
    return {
        "road_km": round(float(kilometres), 2),
        "intervals": {
            f"{interval:g} m": {
                "points": len(rows),
                "road_length_over_interval": round(kilometres * 1000 / interval),
                "points_on_osmnx_streets_one_by_one": _points_street_by_street(streets, interval),
                **_coverage(undirected, rows, interval),
            }
            for interval, rows in tables.items()
        },
    }


def _write_drivable(extract: Path, xml: Path) -> None:
    """The ways that osmnx's own `drive` filter takes, with their nodes, as XML."""
    rules = [m.groupdict() for m in _RULE.finditer(osmnx._overpass._get_network_filter("drive"))]
    with osmium.BackReferenceWriter(str(xml), ref_src=str(extract), overwrite=True) as writer:
        for way in osmium.FileProcessor(str(extract), osmium.osm.WAY):
            if _passes(dict(way.tags), rules):
                writer.add(way)


def _passes(tags: Mapping[str, str], rules: list[dict[str, str]]) -> bool:
    for rule in rules:
        value = tags.get(rule["key"])
        if rule["values"] is None and value is None:
            return False
        if rule["values"] is not None and value is not None and re.search(rule["values"], value):
            return False
    return True


def _points_street_by_street(streets: nx.MultiGraph, interval: float) -> int:
    """Every street between junctions by itself, at least one point on each that is long enough."""
    lengths = (data["length"] for _, _, data in streets.edges(data=True))
    return int(sum(length // interval for length in lengths))


def _coverage(graph: nx.MultiGraph, rows: list[Row], interval: float) -> Row:
    """Metres from the graph's nodes to the nearest point, along the graph in any direction."""
    longitude = np.array([row["longitude"] for row in rows], dtype=float)
    latitude = np.array([row["latitude"] for row in rows], dtype=float)
    edges, away = osmnx.distance.nearest_edges(
        osmnx.project_graph(graph), *_projected(graph, longitude, latitude), return_dist=True
    )
    reach: dict[int, float] = {}
    joined = nx.Graph()
    for one, other, data in graph.edges(data=True):
        length = min(data["length"], joined.get_edge_data(one, other, {}).get("length", np.inf))
        joined.add_edge(one, other, length=length)
    for number, (one, other, _) in enumerate(map(tuple, edges)):
        for end in (one, other):
            node = graph.nodes[end]
            apart = osmnx.distance.great_circle(
                latitude[number], longitude[number], node["y"], node["x"]
            )
            joined.add_edge(("point", number), end, length=float(apart))
    points = [node for node in joined if isinstance(node, tuple)]
    found = nx.multi_source_dijkstra_path_length(joined, points, weight="length")
    reach = {node: found.get(node, np.inf) for node in graph}
    metres = np.array(list(reach.values()))
    return {
        "farthest_point_from_street_m": round(float(np.max(away)), 2),
        "points_off_osmnx_streets": int((np.array(away) > 1.0).sum()),
        "coverage_m_quantiles": {
            str(q): round(float(np.quantile(metres, q)), 1) for q in (0.1, 0.5, 0.9, 0.99)
        },
        "share_of_nodes_beyond": round(float((metres > interval + 1).mean()), 5),
    }


def _projected(
    graph: nx.MultiGraph, longitude: np.ndarray, latitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    from pyproj import Transformer

    crs = osmnx.project_graph(graph).graph["crs"]
    return Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(longitude, latitude)
