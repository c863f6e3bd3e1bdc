"""Tables of places as Parquet, CSV or GeoJSON, with the licence of what is in them."""

import io
import json
from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from georay.core.manifest import write_atomic
from georay.core.paths import AnyPath

FORMATS = (".parquet", ".csv", ".geojson")

ACKNOWLEDGED = {
    "points": {"licence": "ODbL 1.0", "attribution": "© OpenStreetMap contributors"},
    "cities": {
        "licence": "academic use with acknowledgement (GaWC); CC BY 4.0 (GeoNames)",
        "attribution": "Globalization and World Cities research network (GaWC); GeoNames",
    },
}
"""Licence and attribution of the tables. CSV has no room for them: say them where you share it."""


def write_table(table: pa.Table, path: AnyPath, about: Mapping[str, str]) -> None:
    """Writes rows that have latitude and longitude in the format of the path's suffix, whole.

    Raises ValueError for another suffix.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise ValueError(f"cannot write {path}: its name must end in {', '.join(FORMATS)}")
    if suffix == ".geojson":
        write_atomic(path, "\n".join(_geojson(table, about)) + "\n")
        return
    buffer = io.BytesIO()
    if suffix == ".csv":
        pyarrow.csv.write_csv(table, buffer)
    else:
        pq.write_table(table.replace_schema_metadata(dict(about)), buffer, compression="zstd")
    write_atomic(path, buffer.getvalue())


def _geojson(table: pa.Table, about: Mapping[str, str]) -> Iterator[str]:
    """Lines of one FeatureCollection, a feature on each; without a place its geometry is null."""
    head = json.dumps({"type": "FeatureCollection", **about}, ensure_ascii=False)
    yield f'{head[:-1]}, "features": ['
    last = table.num_rows - 1
    for number, row in enumerate(table.to_pylist()):
        place = [row.pop("longitude"), row.pop("latitude")]
        geometry = None if None in place else {"type": "Point", "coordinates": place}
        feature: dict[str, object] = {"type": "Feature", "geometry": geometry, "properties": row}
        if "point_id" in row:
            feature["id"] = row["point_id"]
        yield json.dumps(feature, ensure_ascii=False) + ("," if number < last else "")
    yield "]}"
