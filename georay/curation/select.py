"""Selecting: a projection of the scores at a threshold; costs seconds and touches no model."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import pyarrow.parquet

from georay.core.tables import IMAGES, conform

CURATED = pa.schema([*IMAGES, pa.field("locatability", pa.float64())])


def select(scores: Path, target: Path, threshold: float) -> int:
    """Writes the images with locatability ≥ threshold (section 3.1) and returns their number.

    scores: folder of the scores table. target: an empty folder for the curated table.
    """
    kept = pa.dataset.dataset(scores, format="parquet").scanner(
        columns=[*(name for name in CURATED.names if name in _stored(scores))],
        filter=pc.field("locatability") >= threshold,
        batch_size=16_384,
    )
    num_kept = 0
    with pa.parquet.ParquetWriter(
        target / "part-00000.parquet", CURATED, compression="zstd"
    ) as out:
        for batch in kept.to_batches():
            table = conform(pa.Table.from_batches([batch]), CURATED, "curated")
            out.write_table(table)
            num_kept += table.num_rows
    return num_kept


def _stored(scores: Path) -> list[str]:
    return list(pa.dataset.dataset(scores, format="parquet").schema.names)
