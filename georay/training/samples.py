"""Reads, checks and hashes the samples that a stage learns from."""

import hashlib

import pyarrow as pa
import pyarrow.compute as pc

from georay.core.tables import read_samples

LEARNT_FROM = ("sample_id", "image_id", "uri", "question", "answer", "projection")


def stage_samples(locations: tuple[str, ...], stage: str, split: str) -> pa.Table:
    """The samples of a stage and a split, ordered by id, with the columns LEARNT_FROM.

    Ordered, so that neither files nor their order decide what a run learns. Raises ValueError if a
    location is absent or holds no table, or if a sample id is there twice.
    """
    rows = (
        whole_samples(locations, stage, split)
        .select(LEARNT_FROM)
        .sort_by("sample_id")
        .combine_chunks()
    )
    if pc.count_distinct(rows["sample_id"]).as_py() != rows.num_rows:
        raise ValueError(
            f"samples of {', '.join(locations)} have an id more than once: is a file given twice?"
        )
    return rows


def whole_samples(locations: tuple[str, ...], stage: str, split: str) -> pa.Table:
    """The samples of a stage and a split as they were written, with all columns of SAMPLES."""
    table = read_samples(locations)
    return table.filter(pc.and_(pc.equal(table["stage"], stage), pc.equal(table["split"], split)))


def samples_hash(samples: pa.Table) -> str:
    """SHA-256 over ids, questions and answers; ids are hashes of the pictures' bytes too."""
    digest = hashlib.sha256()
    for row in samples.select(["sample_id", "image_id", "question", "answer"]).to_pylist():
        digest.update(repr(sorted(row.items())).encode())
    return digest.hexdigest()
