"""Writes a player's guide to StreetWorld: what its streets show, in sentences, without pictures.

    python -m benchmarks.loopback.guide guide.csv

A street of every town is drawn and what it shows is said as players say it. Like a real guide it
repeats itself, and here and there says nothing about any place.
"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

from georay.streetworld.atlas.atlas import Atlas
from georay.streetworld.words.sentences import clue_rows
from georay.streetworld.world import StreetWorld

_COLUMNS = ("text", "country", "city", "source", "licence")
_SEED, _SIDE = 8, 192


def guide_rows() -> Iterator[dict[str, object]]:
    """Sentences about every town of StreetWorld, with the place that they are about."""
    world = StreetWorld(_SEED, _SIDE)
    for number, (country, city) in enumerate(Atlas.load().places):
        for row in clue_rows(world.scene_of(number, country, city, "street")):
            yield {name: row[name] for name in _COLUMNS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path, help="CSV to write")
    given = parser.parse_args()
    rows = list(guide_rows())
    with given.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows):,} drawn sentences → {given.out}")


if __name__ == "__main__":
    main()
