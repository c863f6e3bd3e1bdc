"""Sampling points on real extracts: checked, compared with osmnx, timed, and memory.

    python -m benchmarks.points --extracts ../shared/data/osm

Five places at 100, 500 and 4,000 m. Every table is checked by `points_check`, which shares no code
with georay; two places are compared with osmnx on the same extract; and one town is taken out of an
extract ten times as large, joined of copies of Liechtenstein side by side with other ids.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
import osmium
import pyarrow.parquet as pq
from osmium.osm import Node, Way

from benchmarks.points_check import Roads, put_in, read_ways
from benchmarks.points_osmnx import compare
from benchmarks.record import write_record
from georay.core.manifest import versions

PLACES = ("monaco", "andorra", "porto", "liechtenstein", "singapore_bayfront")
COMPARED = ("andorra", "porto")
INTERVALS_M = (100.0, 500.0, 4000.0)
COPIES = (1, 10)
COPY_DEGREES = 0.4  # Liechtenstein is 0.17 degrees wide

Row = dict[str, object]


def sample_once(settings: Mapping[str, object]) -> None:
    """In a process of its own: samples by a recipe, prints seconds and memory as JSON."""
    from georay.acquisition.roads.make_points import make_points
    from georay.config.load import parse_recipe
    from georay.config.points import PointsRecipe

    recipe = parse_recipe(settings, PointsRecipe, "benchmark")
    peak, stop = [0.0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.01):
            peak[0] = max(peak[0], _status_mib("RssAnon"))

    base = _status_mib("RssAnon")
    threading.Thread(target=watch, daemon=True).start()
    started = time.perf_counter()
    make_points(recipe)
    seconds = time.perf_counter() - started
    stop.set()
    print(
        json.dumps(
            {
                "seconds": round(seconds, 2),
                "peak_mib": round(_status_mib("VmHWM"), 1),
                "peak_without_mapped_files_mib": round(peak[0], 1),
                "before_mib": round(base, 1),
            }
        )
    )


def _status_mib(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"this system does not tell {name}")


def sample(scratch: Path, extract: Path, interval: float, **city: object) -> tuple[Row, list[Row]]:
    """(seconds and memory of a fresh process, the rows) of one extract at one interval."""
    out = scratch / f"{extract.name}-{interval:g}" / "points.parquet"
    settings = {
        "output": str(out),
        "interval_m": interval,
        "cities": [{"extract": str(extract), **city}],
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.points", "--once", json.dumps(settings)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1]), pq.read_table(out).to_pylist()


def check(roads: Roads, rows: list[Row], interval: float) -> Row:
    """The three properties of one table, by the independent check."""
    places = [((float(str(r["longitude"])), float(str(r["latitude"]))), r["way_id"]) for r in rows]
    checked = put_in(roads, places)  # type: ignore[arg-type]
    pairs = [
        (number, number + 1)
        for number, (one, other) in enumerate(pairwise(rows))
        if one["road"] == other["road"] and one["placed"] == other["placed"] == "interval"
    ]
    spacing = checked.spacing(pairs, interval)
    strict = checked.coverage(as_one_road=False)
    checked.join_carriageways()
    reach = checked.coverage(as_one_road=True)
    return {
        "points": len(rows),
        "in_gaps": sum(row["placed"] == "gap" for row in rows),
        "farthest_point_from_road_m": round(max(checked.away), 4),
        "spacing": spacing,
        "farthest_place_from_point_m": round(float(reach.max()), 1),
        "places_beyond_interval": int((reach > interval + 1).sum()),
        "places": len(reach),
        "coverage_m_quantiles": _quantiles(reach),
        "share_beyond_if_carriageways_were_apart": round(float((strict > interval + 1).mean()), 5),
    }


def _quantiles(metres: np.ndarray) -> dict[str, float]:
    return {str(q): round(float(np.quantile(metres, q)), 1) for q in (0.1, 0.5, 0.9, 0.99)}


def all_places(folder: Path, scratch: Path) -> Iterator[tuple[str, Row]]:
    for place in PLACES:
        extract = folder / f"{place}.osm.pbf"
        roads = Roads(read_ways(str(extract)))
        results: Row = {"road_km": round(sum(roads.lengths) / 1000, 2)}
        for interval in INTERVALS_M:
            cost, rows = sample(scratch, extract, interval)
            results[f"{interval:g} m"] = {**cost, **check(roads, rows, interval)}
            _say(place, interval, results[f"{interval:g} m"])
        yield place, results


def compared(folder: Path, scratch: Path) -> Iterator[tuple[str, object]]:
    for place in COMPARED:
        extract = folder / f"{place}.osm.pbf"
        tables = {interval: sample(scratch, extract, interval)[1] for interval in INTERVALS_M}
        found = compare(extract, tables, scratch)
        _say(place, "osmnx", found)
        yield place, found


def larger(folder: Path, scratch: Path) -> Iterator[tuple[str, object]]:
    """Cost of one town taken out of extracts of one and of ten Liechtensteins."""
    source = folder / "liechtenstein.osm.pbf"
    for copies in COPIES:
        joined = scratch / f"joined-{copies}.osm.pbf"
        num_nodes = join_copies(source, joined, copies)
        around = {"around": (47.141, 9.521), "radius_km": 3.0, "city": "Vaduz"}
        cost, rows = sample(scratch, joined, 500.0, **around)
        facts = {"megabytes": round(joined.stat().st_size / 1e6, 1), "nodes": num_nodes}
        yield f"{copies} copies", {**facts, **cost, "points": len(rows)}
        _say("joined", copies, cost)


def join_copies(source: Path, target: Path, copies: int) -> int:
    """Copies of an extract side by side with ids of their own; returns the number of nodes."""
    step = 1 << 34
    num_nodes = 0
    with osmium.SimpleWriter(str(target), overwrite=True) as writer:
        for copy in range(copies):
            for node in cast("Iterable[Node]", osmium.FileProcessor(str(source), osmium.osm.NODE)):
                num_nodes += 1
                east = node.location.lon + copy * COPY_DEGREES
                writer.add_node(
                    node.replace(id=node.id + copy * step, location=(east, node.location.lat))
                )
        for copy in range(copies):
            for way in cast("Iterable[Way]", osmium.FileProcessor(str(source), osmium.osm.WAY)):
                nodes = [each.ref + copy * step for each in way.nodes]
                writer.add_way(way.replace(id=way.id + copy * step, nodes=nodes))
    return num_nodes


def _say(*words: object) -> None:
    print(*words, flush=True)


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="georay-points-") as name:
        scratch = Path(name)
        results = {
            "places": dict(all_places(folder, scratch)),
            "osmnx": dict(compared(folder, scratch)),
            "larger_extracts": dict(larger(folder, scratch)),
        }
    config = {
        "intervals_m": INTERVALS_M,
        "extracts": [f"{place}.osm.pbf" for place in PLACES],
        "larger": "Vaduz, 3 km around, every 500 m, out of joined copies of Liechtenstein",
        "packages": versions(("osmium", "pyproj", "shapely", "osmnx", "networkx")),
        "data": "© OpenStreetMap contributors, ODbL",
    }
    print(write_record("points", config, results))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--extracts", type=Path, default=Path("../shared/data/osm"))
    parser.add_argument("--once", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once is not None:
        sample_once(arguments.once)
    else:
        main(arguments.extracts)
