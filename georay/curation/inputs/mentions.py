"""Mentions of files on disk, and from them each file once: a driver's memory stays flat.

Ten million mentions are gigabytes, and joining them in memory takes several times that. Here rows
go by some at a time; of all of them only a hash of each name is held, eight bytes, which finds the
names that are mentioned again. Those rows alone are held together and joined.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from georay.core.tables import INPUTS
from georay.curation.inputs.lists import MENTIONS
from georay.curation.inputs.remarks import CONTRADICTING, Remarks
from georay.curation.place_labels import contradiction, first_label

Hashes = NDArray[np.int64]

_ROWS_AT_ONCE = 1 << 16
_JOINED_AT_ONCE = 100_000  # as Python's objects they take ten times their bytes
_AT = pa.field("at", pa.int64())


class Mentions:
    """Mentions in the order in which they come, in a file. Each is numbered from 0 (`at`)."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._sink = pa.OSFile(str(file), "wb")
        self._writer = pa.ipc.new_stream(self._sink, MENTIONS)
        self._hashes: list[Hashes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()
        self._sink.close()

    def add(self, table: pa.Table) -> None:
        """table: schema MENTIONS."""
        for start in range(0, table.num_rows, _ROWS_AT_ONCE):
            rows = table.slice(start, _ROWS_AT_ONCE)
            self._writer.write_table(rows)
            self._hashes.append(_hashes(rows.column("uri").to_pylist()))

    def uris(self) -> pa.ChunkedArray:
        """Every name, in memory."""
        columns = [table.column("uri") for table in self._tables()]
        return pa.chunked_array([chunk for one in columns for chunk in one.chunks], pa.string())

    def once_each(self, remarks: Remarks) -> Iterator[pa.Table]:
        """One row per uri (schema INPUTS), in the order of the first mentions, with what all
        mentions say of it; some rows at a time.
        """
        again = _found_again(self._hashes)
        joined = self._joined(again, remarks)
        first = joined.column("at").to_numpy()
        for table, is_again in self._numbered(again):
            ends = np.searchsorted(first, _ends(table))
            here = joined.slice(int(ends[0]), int(ends[1] - ends[0]))
            single = table.filter(pa.array(~is_again)).select(joined.column_names)
            rows = pa.concat_tables([single.cast(joined.schema), here])
            yield rows.sort_by("at").select(INPUTS.names).cast(INPUTS).combine_chunks()

    def _joined(self, again: Hashes, remarks: Remarks) -> pa.Table:
        """One row (schema INPUTS and `at`) for each name that is mentioned more than once.

        Two names of one hash are looked at here too, and stay two.
        """
        schema = pa.schema([*INPUTS, _AT])
        found = [table.filter(pa.array(is_again)) for table, is_again in self._numbered(again)]
        rows = pa.concat_tables([pa.schema([*MENTIONS, _AT]).empty_table(), *found])
        num_groups = 1 + rows.num_rows // _JOINED_AT_ONCE
        of_group = np.array([hash(uri) % num_groups for uri in rows.column("uri").to_pylist()])
        tables = [schema.empty_table()]
        for number in range(num_groups):
            said: dict[str, list[dict[str, object]]] = {}
            for row in rows.filter(pa.array(of_group == number, pa.bool_())).to_pylist():
                said.setdefault(row["uri"], []).append(row)
            joined = [_one_row(mentions, remarks) for mentions in said.values()]
            tables.append(pa.Table.from_pylist(joined, schema=schema))
        return pa.concat_tables(tables).sort_by("at")

    def _numbered(self, again: Hashes) -> Iterator[tuple[pa.Table, NDArray[np.bool_]]]:
        """Every mention with its number, and whether its name has one of the hashes."""
        start = 0
        for table, hashes in zip(self._tables(), self._hashes, strict=True):
            at = np.arange(start, start + table.num_rows)
            start += table.num_rows
            yield table.append_column(_AT, pa.array(at, pa.int64())), _is_in(hashes, again)

    def _tables(self) -> Iterator[pa.Table]:
        """All that was added; each batch is in the file as soon as it is written."""
        with pa.OSFile(str(self._file)) as file, pa.ipc.open_stream(file) as stream:
            for batch in stream:
                yield pa.Table.from_batches([batch])


def on_disk(tables: Iterable[pa.Table], file: Path) -> pa.Table:
    """The rows (schema INPUTS) as one table whose memory is that file, even when it is removed."""
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, INPUTS) as writer:
        for table in tables:
            writer.write_table(table)
    return pa.ipc.open_file(pa.memory_map(str(file))).read_all()


def _hashes(names: list[str]) -> Hashes:
    return np.fromiter(map(hash, names), np.int64, len(names))


def _found_again(hashes: list[Hashes]) -> Hashes:
    """Those that stand in them more than once, sorted."""
    ordered = np.sort(np.concatenate([np.empty(0, np.int64), *hashes]))
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def _is_in(hashes: Hashes, known: Hashes) -> NDArray[np.bool_]:
    """Which of them are among the known, which are sorted."""
    if not len(known):
        return np.zeros(len(hashes), np.bool_)
    at = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    found: NDArray[np.bool_] = known[at] == hashes
    return found


def _ends(table: pa.Table) -> list[int]:
    """The numbers that the rows of a table begin with and end before."""
    at = table.column("at")
    return [at[0].as_py(), at[-1].as_py() + 1] if len(at) else [0, 0]


def _one_row(rows: list[dict[str, object]], remarks: Remarks) -> dict[str, object]:
    if against := contradiction(rows):
        lists = dict.fromkeys(f"{row['origin']}, row {row['row']}" for row in rows if row["origin"])
        remarks.add(CONTRADICTING, f"{rows[0]['uri']}: {against} ({'; '.join(lists)})")
    error = next((row["error"] for row in rows if row["error"]), None)
    return rows[0] | first_label(rows) | {"error": error}
