"""The samples that a stage learns from: read, checked, and told by a hash."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset

from georay.core.tables import SAMPLES, conform

LEARNT_FROM = ("sample_id", "image_id", "uri", "question", "answer")


def read_samples(locations: tuple[str, ...], stage: str, split: str) -> pa.Table:
    """The samples of a stage and a split, ordered by id, with the columns LEARNT_FROM.

    Ordered, so that neither files nor their order decide what a run learns. Raises ValueError if a
    location is absent or holds no table, or if a sample id is there twice.
    """
    table = pa.concat_tables([_read(location) for location in locations])
    chosen = pc.and_(pc.equal(table["stage"], stage), pc.equal(table["split"], split))
    rows = table.filter(chosen).select(LEARNT_FROM).sort_by("sample_id").combine_chunks()
    if pc.count_distinct(rows["sample_id"]).as_py() != rows.num_rows:
        raise ValueError(
            f"samples of {', '.join(locations)} have an id more than once: is a file given twice?"
        )
    return rows


def samples_hash(samples: pa.Table) -> str:
    """SHA-256 over ids, questions and answers; ids are hashes of the pictures' bytes too."""
    digest = hashlib.sha256()
    for row in samples.select(["sample_id", "image_id", "question", "answer"]).to_pylist():
        digest.update(repr(sorted(row.items())).encode())
    return digest.hexdigest()


def _read(location: str) -> pa.Table:
    path = Path(location).expanduser()
    if not path.exists():
        raise ValueError(f"no samples at {location}: give a Parquet file or a folder of them")
    try:
        table = pyarrow.dataset.dataset(path, format="parquet").to_table()
    except (pa.ArrowInvalid, OSError) as problem:
        raise ValueError(f"cannot read samples from {location}: {problem}") from problem
    return conform(table, SAMPLES, location)
