"""Builds the table of cities from GaWC's lists and the gazetteer.

    python -m georay.acquisition.cities.build FOLDER

FOLDER holds gnc2020.csv (rank and connectivity) and gawc2018_classes.csv (classes). The table
travels with georay; README.md beside it says what it is and by whom.
"""

import csv
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from georay.acquisition.cities.table import CITIES, FILE
from georay.core.gazetteer import Gazetteer, Place

# The country that a name of the list means, where the list's own would not lead there.
_TAIWAN = ("Taipei", "Taizhong/Taichung", "Kaohsiung", "Hsinchu City", "Tainan", "Taoyuan")
_COUNTRIES = {
    **dict.fromkeys(_TAIWAN, "TW"),
    "Prague": "CZ",
    "Ouagadougou": "BF",
    "Bangui": "CF",
    "Pyongyang": "KP",
}
_NAMES = {"Taizhong/Taichung": "Taichung", "Hsinchu City": "Hsinchu"}


def build(folder: Path, out: Path) -> None:
    """Writes the table. Raises ValueError if a class's city is not in the ranking."""
    gazetteer = Gazetteer.load()
    classes = dict(_classes(folder / "gawc2018_classes.csv", gazetteer))
    rows = [_row(row, classes, gazetteer) for row in read_rows(folder / "gnc2020.csv")]
    unused = set(classes) - {row.get("geoname_id") for row in rows}
    if unused:
        raise ValueError(f"cities with a class but no rank: {sorted(unused)}")
    pq.write_table(pa.Table.from_pylist(rows, schema=CITIES), out, compression="zstd")


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _classes(path: Path, gazetteer: Gazetteer) -> Iterator[tuple[int, str]]:
    for row in read_rows(path):
        place = gazetteer.resolve(row["city"])
        assert place is not None, row
        yield place.geoname_id, row["class"].lower()


def _row(
    row: Mapping[str, str], classes: Mapping[int, str], gazetteer: Gazetteer
) -> dict[str, object]:
    name = row["City"].strip()
    place = _place(name, row["Country"], gazetteer)
    facts: dict[str, object] = {
        "rank": int(row["Rank"]),
        "gawc_name": name,
        "connectivity": float(row["GNC_rel(%)"]),
        "city": name,
        "country": _COUNTRIES.get(name) or gazetteer.country(row["Country"]),
    }
    if place is None:
        return facts
    return facts | {
        "gawc_class": classes.get(place.geoname_id),
        "city": place.name,
        "country": place.country,
        "latitude": place.latitude,
        "longitude": place.longitude,
        "population": place.population,
        "geoname_id": place.geoname_id,
    }


def _place(name: str, country: str, gazetteer: Gazetteer) -> Place | None:
    return gazetteer.resolve(_NAMES.get(name, name), _COUNTRIES.get(name, country))


if __name__ == "__main__":
    build(Path(sys.argv[1]), FILE)
