"""Writing a points table as Parquet, CSV or GeoJSON, and reading it back."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from georay.core.manifest import write_atomic

LICENCE = "ODbL 1.0"
ATTRIBUTION = "© OpenStreetMap contributors"


def write_points(points: pa.Table, path: Path) -> None:
    """Writes the rows in the format of the path's suffix, whole or not at all."""
    suffix = path.suffix.lower()
    if suffix == ".geojson":
        write_atomic(path, "\n".join(_geojson(points)) + "\n")
        return
    buffer = io.BytesIO()
    if suffix == ".csv":
        pyarrow.csv.write_csv(points, buffer)
    else:
        facts = {"licence": LICENCE, "attribution": ATTRIBUTION}
        pq.write_table(points.replace_schema_metadata(facts), buffer, compression="zstd")
    write_atomic(path, buffer.getvalue())


def _geojson(points: pa.Table) -> Iterator[str]:
    """Lines of one FeatureCollection, a point on each."""
    head = {"type": "FeatureCollection", "licence": LICENCE, "attribution": ATTRIBUTION}
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "features": ['
    last = points.num_rows - 1
    for number, row in enumerate(points.to_pylist()):
        place = [row.pop("longitude"), row.pop("latitude")]
        feature = {
            "type": "Feature",
            "id": row["point_id"],
            "geometry": {"type": "Point", "coordinates": place},
            "properties": row,
        }
        yield json.dumps(feature, ensure_ascii=False) + ("," if number < last else "")
    yield "]}"
