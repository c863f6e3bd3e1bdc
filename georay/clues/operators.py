"""The steps on files of a workspace: examine a part, compare a bucket, finish a part.

Plain classes; Ray never appears here, pipeline.py hands them the names of their files.
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from georay.clues.duplicates import (
    BANDS,
    EXACT,
    NEAR,
    REPEATS,
    ComparedSentence,
    Sketcher,
    find_repeats,
)
from georay.clues.examine import EXAMINED, Examine, Row
from georay.clues.pairing import NamePictures
from georay.clues.sources import Sentence
from georay.clues.workspace import Workspace
from georay.core.manifest import write_atomic, write_table
from georay.core.paths import AnyPath, files_in, open_input, open_parquet
from georay.core.tables import CLUES, CLUES_DROPPED, rows_to_table

_STEP = 512  # sentences at a time; their texts and spans are the largest thing in a worker
_GROUP_PARTS = 32  # parts whose repeats are gathered into one file
_ROW_GROUP = 2048  # rows of repeats; a reader of some orders skips the other groups


class ExamineParts:
    """Reads a part of the sentences; writes its rows, and their bands sorted into buckets."""

    def __init__(self, work: Workspace, examine: Examine, num_buckets: int, part_rows: int) -> None:
        self._work, self._examine = work, examine
        self._sketcher = Sketcher()
        self._num_buckets, self._part_rows = num_buckets, part_rows

    def __call__(self, name: str) -> int:
        """The number of sentences examined."""
        file = open_parquet(self._work.parts / name)
        first = int(PurePosixPath(name).stem.rpartition("-")[2]) * self._part_rows
        tables, bands = [], []
        for batch in file.iter_batches(batch_size=_STEP):
            rows = self._examine([Sentence(**row) for row in batch.to_pylist()])
            for at, row in enumerate(rows):
                row["order"] = first + at
            first += len(rows)
            bands.append(self._banded(rows))
            tables.append(rows_to_table(rows, EXAMINED))
        self._write_bands(pa.concat_tables(bands), name)
        table = pa.concat_tables(tables)
        write_table(self._work.examined / name, table)
        return int(table.num_rows)

    def _banded(self, rows: list[Row]) -> pa.Table:
        """Bands of the rows that are still kept; those said before here are marked on the way."""
        kept = [row for row in rows if row["kind"] is None]
        bands, before = self._sketcher.bands([_said(row) for row in kept])
        for row, earlier in zip(kept, before, strict=True):
            if earlier is not None:
                row["kind"], row["reason"] = EXACT, _reason(EXACT, str(kept[earlier]["clue_id"]))
        return bands

    def _write_bands(self, bands: pa.Table, name: str) -> None:
        """A file with one batch a bucket, so that a bucket is read without the others."""
        content = BytesIO()
        buckets = bands["key"].to_numpy() % self._num_buckets
        with pa.ipc.new_file(content, BANDS) as file:
            for bucket in range(self._num_buckets):
                chosen = bands.filter(pa.array(buckets == bucket)).combine_chunks()
                file.write_batch(chosen.to_batches()[0] if chosen.num_rows else _empty_batch())
        write_atomic(self._work.bands / name, content.getvalue())


class CompareBucket:
    """Finds the repeats within a bucket, over the bands of all parts."""

    def __init__(self, work: Workspace, similarity: float) -> None:
        self._work, self._similarity = work, similarity

    def __call__(self, name: str) -> int:
        """The number of bands compared. name: "bucket-00012.parquet"."""
        bucket = int(PurePosixPath(name).stem.rpartition("-")[2])
        batches = [_batch(path, bucket) for path in files_in(self._work.bands)]
        bands = pa.Table.from_batches(batches, schema=BANDS)
        found = find_repeats(bands, self._similarity)
        write_table(self._work.repeats / name, found, _ROW_GROUP)
        return int(bands.num_rows)


def gather_repeats(work: Workspace, num_parts: int, part_rows: int) -> None:
    """Sorts what all buckets found by parts, so that a part need not look through every bucket.

    Only the repeats of one group of parts are in memory. A group that is there is not made again.
    """
    for group in range(-(-num_parts // _GROUP_PARTS)):
        path = work.gathered / _group_name(group)
        if not path.exists():
            size = _GROUP_PARTS * part_rows
            found = sorted(_found_between(work, group * size, (group + 1) * size).items())
            rows = [{"order": at, "kind": kind, "of": of} for at, (kind, of) in found]
            table = rows_to_table(rows, REPEATS)
            write_table(path, table, _ROW_GROUP)


def _found_between(work: Workspace, first: int, stop: int) -> dict[int, tuple[str, str]]:
    """Kind of repeat, and what it repeats, of the sentences in [first, stop), over all buckets."""
    found: dict[int, tuple[str, str]] = {}
    for path in files_in(work.repeats):
        for row in _repeats_between(path, first, stop):
            if row["order"] not in found or row["kind"] == EXACT:
                found[row["order"]] = (row["kind"], row["of"])
    return found


def _repeats_between(path: AnyPath, first: int, stop: int) -> list[dict[str, Any]]:
    within = [("order", ">=", first), ("order", "<", stop)]
    rows: list[dict[str, Any]] = pa.parquet.read_table(
        open_input(path), filters=within, schema=REPEATS
    ).to_pylist()
    return rows


def _group_name(group: int) -> str:
    return f"group-{group:06d}.parquet"


class FinishParts:
    """Drops the repeats of a part, names classes and pictures, writes what is kept and dropped."""

    def __init__(self, work: Workspace, pictures: NamePictures, part_rows: int) -> None:
        self._work, self._pictures, self._part_rows = work, pictures, part_rows

    def __call__(self, name: str) -> int:
        """The number of sentences of the part."""
        table = open_parquet(self._work.examined / name).read()
        repeats = self._repeats(int(PurePosixPath(name).stem.rpartition("-")[2]))
        rows = [_marked(row, repeats) for row in table.to_pylist()]
        kept = self._pictures([row for row in rows if row["kind"] is None])
        dropped = [row for row in rows if row["kind"] is not None]
        write_table(self._work.kept / name, _strict(kept, CLUES))
        write_table(self._work.dropped / name, _strict(dropped, CLUES_DROPPED))
        return len(rows)

    def _repeats(self, part: int) -> dict[int, tuple[str, str]]:
        """Kind of repeat, and what it repeats, of the sentences of a part."""
        path = self._work.gathered / _group_name(part // _GROUP_PARTS)
        first = part * self._part_rows
        rows = _repeats_between(path, first, first + self._part_rows)
        return {row["order"]: (row["kind"], row["of"]) for row in rows}


def _said(row: Row) -> ComparedSentence:
    country, picture = row["country"], row["image_id"]
    return ComparedSentence(
        order=int(str(row["order"])),
        clue_id=str(row["clue_id"]),
        text=str(row["text"]),
        country=None if country is None else str(country),
        picture=None if picture is None else str(picture),
    )


def _marked(row: Row, repeats: dict[int, tuple[str, str]]) -> Row:
    order = int(str(row["order"]))
    if row["kind"] is not None or order not in repeats:
        return row
    kind, of = repeats[order]
    return row | {"kind": kind, "reason": _reason(kind, of)}


def _reason(kind: str, clue_id: str) -> str:
    how = {EXACT: "says the same as", NEAR: "says nearly the same as"}[kind]
    return f"{how} clue {clue_id}"


def _strict(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    return rows_to_table([{name: row.get(name) for name in schema.names} for row in rows], schema)


def _batch(path: AnyPath, bucket: int) -> pa.RecordBatch:
    with open_input(path) as file:
        return pa.ipc.open_file(file).get_batch(bucket)


def _empty_batch() -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=BANDS)
