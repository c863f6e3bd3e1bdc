"""Selects the rows above a threshold from the scores table; needs no model."""

import pyarrow as pa
import pyarrow.compute as pc

from georay.core.paths import AnyPath, files_in, parquet_writer
from georay.core.tables import IMAGES, SCORES, conform
from georay.curation.collapse import stream

CURATED = pa.schema([*IMAGES, pa.field("locatability", pa.float64())])
_STORED = [name for name in CURATED.names if name in SCORES.names]


def select(scores: AnyPath, target: AnyPath, threshold: float) -> int:
    """Writes the images with locatability ≥ threshold (section 3.1) and returns their number.

    scores: folder of the scores table. target: an empty folder for the curated table.
    """
    num_kept = 0
    with parquet_writer(target / "part-00000.parquet", CURATED) as out:
        for batch in stream(files_in(scores)):
            table = pa.Table.from_batches([batch]).select(_STORED)
            table = table.filter(pc.greater_equal(table["locatability"], threshold))
            out.write_table(conform(table, CURATED, "curated"))
            num_kept += table.num_rows
    return num_kept
