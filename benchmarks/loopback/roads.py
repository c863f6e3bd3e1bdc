"""Draws the streets of cities as an OpenStreetMap extract, for points without a download.

    python -m benchmarks.loopback.roads cities.csv streets.osm.pbf

cities.csv is what `georay cities --out` wrote. The streets are a bent grid around each centre:
drawn, and in no city of the world.
"""

import argparse
import csv
import math
from collections.abc import Iterator
from pathlib import Path

import osmium
from osmium.osm.mutable import Node, Way

STREETS = 7
"""In each direction."""
_APART_M = 450.0
_BEND_M = 60.0
_DEGREE_M = 111_195.0
_CLASSES = ("residential", "residential", "tertiary", "primary")
_SIDE = range(STREETS)


def draw_extract(cities: list[tuple[float, float]], path: Path) -> None:
    """Writes an extract with a grid of streets around each (latitude, longitude)."""
    writer = osmium.SimpleWriter(str(path), overwrite=True)
    for number, centre in enumerate(cities):
        for row in _SIDE:
            for column in _SIDE:
                place = _place(centre, row, column)
                writer.add_node(Node(id=_node(number, row, column), version=1, location=place))
    for number in range(len(cities)):
        for way, (name, nodes) in enumerate(_streets(number)):
            tags = {"highway": _CLASSES[way % len(_CLASSES)], "name": name}
            identity = number * 2 * STREETS + way + 1
            writer.add_way(Way(id=identity, version=1, nodes=nodes, tags=tags))
    writer.close()


def _streets(city: int) -> Iterator[tuple[str, list[int]]]:
    for row in _SIDE:
        yield f"Drawn Street {row + 1}", [_node(city, row, column) for column in _SIDE]
    for column in _SIDE:
        yield f"Drawn Avenue {column + 1}", [_node(city, row, column) for row in _SIDE]


def _node(city: int, row: int, column: int) -> int:
    return (city * STREETS + row) * STREETS + column + 1


def _place(centre: tuple[float, float], row: int, column: int) -> tuple[float, float]:
    """Longitude and latitude of a crossing; streets wave, so that none is straight."""
    middle = (STREETS - 1) / 2
    north = (row - middle) * _APART_M + _BEND_M * math.sin(1.7 * column)
    east = (column - middle) * _APART_M + _BEND_M * math.sin(1.3 * row)
    latitude, longitude = centre
    squeeze = math.cos(math.radians(latitude))
    return longitude + east / _DEGREE_M / squeeze, latitude + north / _DEGREE_M


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("cities", type=Path, help="table of `georay cities --out`, .csv")
    parser.add_argument("out", type=Path, help="extract to write, .osm.pbf or .osm")
    given = parser.parse_args()
    with given.cities.open(encoding="utf-8", newline="") as file:
        centres = [
            (float(row["latitude"]), float(row["longitude"])) for row in csv.DictReader(file)
        ]
    draw_extract(centres, given.out)
    print(f"drawn streets of {len(centres)} cities → {given.out}")


if __name__ == "__main__":
    main()
