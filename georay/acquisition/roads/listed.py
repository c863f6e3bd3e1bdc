"""The cities of a table that `georay cities` wrote, as areas to sample: a circle around each."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from georay.core.names import fold

_COLUMNS = ("city", "country", "latitude", "longitude")
_SUFFIXES = (".csv", ".parquet")


def listed_cities(table: Path, extracts: Path, radius_km: float) -> list[dict[str, object]]:
    """What a recipe of points has for each row of the table, in the table's order.

    extracts: one extract that holds every city, or a folder with one for each, called after it
    (`new-york-city.osm.pbf`). Raises ValueError if the table cannot be used, a row has no
    coordinates, or a city has no extract.
    """
    rows = _rows(table)
    if unplaced := [
        str(row["city"]) for row in rows if None in (row["latitude"], row["longitude"])
    ]:
        raise ValueError(f"{table} has no coordinates of {', '.join(unplaced)}: remove these rows")
    found = _extracts(extracts, [str(row["city"]) for row in rows])
    return [
        {
            "extract": str(extract),
            "city": row["city"],
            "country": row["country"],
            "around": [row["latitude"], row["longitude"]],
            "radius_km": radius_km,
        }
        for row, extract in zip(rows, found, strict=True)
    ]


def _rows(table: Path) -> list[dict[str, object]]:
    if table.suffix.lower() not in _SUFFIXES:
        raise ValueError(f"a table of cities ends in {' or '.join(_SUFFIXES)}, not {table.name}")
    try:
        read = pq.read_table(table) if table.suffix.lower() == ".parquet" else _read_csv(table)
    except (OSError, pa.ArrowInvalid) as problem:
        raise ValueError(
            f"cannot read the cities {table} ({problem}); make them with `georay cities --out`"
        ) from problem
    if absent := [name for name in _COLUMNS if name not in read.column_names]:
        raise ValueError(f"{table} has no column {', '.join(absent)}; see `georay cities --out`")
    if not read.num_rows:
        raise ValueError(f"{table} has no city in it")
    rows: list[dict[str, object]] = read.select(_COLUMNS).to_pylist()
    return rows


def _read_csv(table: Path) -> pa.Table:
    """Names stay text: Namibia's code NA is no absent value."""
    types = {"city": pa.string(), "country": pa.string()}
    degrees = dict.fromkeys(("latitude", "longitude"), pa.float64())
    options = pa.csv.ConvertOptions(column_types=types | degrees)
    return pa.csv.read_csv(table, convert_options=options)


def _extracts(extracts: Path, cities: list[str]) -> list[Path]:
    if not extracts.is_dir():
        return [extracts] * len(cities)
    files = {fold(path.name.partition(".")[0]): path for path in sorted(extracts.iterdir())}
    if absent := [city for city in cities if fold(city) not in files]:
        raise ValueError(
            f"{extracts} has no extract called after {', '.join(absent)}, such as "
            f"{absent[0].lower().replace(' ', '-')}.osm.pbf"
        )
    return [files[fold(city)] for city in cities]
