"""Located pictures for other programs: CSV for spreadsheets, GeoJSON for maps."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

_COLUMNS = (
    *("uri", "status", "country", "country_name", "city", "latitude", "longitude", "confidence"),
    *("sureness", "expected_distance_km", "candidates", "reasons"),
    *("locatability", "is_locatable", "error"),
)
_BATCH_ROWS = 1024
_RISKY = ("=", "+", "-", "@")  # how a cell begins that a spreadsheet would compute


def as_csv(table: pa.Table) -> str:
    """A row per picture; candidates as "France 61 %; Spain 12 %"."""
    out = io.StringIO()
    writer = csv.DictWriter(out, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in _rows(table):
        row["candidates"] = "; ".join(
            f"{one['country_name']} {one['probability']:.0%}" for one in row["candidates"] or ()
        )
        writer.writerow({name: _harmless(value) for name, value in row.items()})
    return out.getvalue()


def as_geojson(table: pa.Table) -> str:
    """A feature per picture; without coordinates its geometry is null (RFC 7946)."""
    features = [json.dumps(_feature(row), ensure_ascii=False) for row in _rows(table)]
    return '{"type": "FeatureCollection", "features": [\n' + ",\n".join(features) + "\n]}\n"


def _feature(row: dict[str, Any]) -> dict[str, Any]:
    latitude, longitude = row.pop("latitude"), row.pop("longitude")
    point = None
    if latitude is not None and longitude is not None:
        point = {"type": "Point", "coordinates": [longitude, latitude]}
    return {"type": "Feature", "geometry": point, "properties": row}


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.select(_COLUMNS).to_batches(_BATCH_ROWS):
        yield from batch.to_pylist()


def _harmless(value: Any) -> Any:
    """Text from a model or a file's name is never a formula."""
    is_risky = isinstance(value, str) and value.startswith(_RISKY)
    return f"'{value}" if is_risky else value
