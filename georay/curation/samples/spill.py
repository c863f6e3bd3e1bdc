"""Rows of a table that is larger than memory: dealt into files as they come, read back in order."""

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa

from georay.core.tables import rows_to_table

Row = dict[str, object]
_Key = tuple[str | None, ...]

_ROWS_AT_ONCE = 8192
_DIGITS = "0123456789abcdef"
_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


class Spill:
    """Takes rows one by one and gives them back as tables, of which each comes before the next.

    folder: is made, and holds a file for each table. dealt_by: the first columns of the order. Rows
    with equal values of them are in one table, where of the last one, an id, the first of its
    hexadecimal digits counts. None of them makes one table. Within a table rows keep the order in
    which they came.
    """

    def __init__(self, folder: Path, schema: pa.Schema, dealt_by: tuple[str, ...]) -> None:
        folder.mkdir()
        self._folder, self._schema, self._dealt_by = folder, schema, dealt_by
        self._waiting: list[Row] = []
        self._files: dict[_Key, Path] = {}
        self._writers: dict[_Key, pa.ipc.RecordBatchStreamWriter] = {}
        self._open = ExitStack()

    def add(self, row: Row) -> None:
        self._waiting.append(row)
        if len(self._waiting) >= _ROWS_AT_ONCE:
            self._flush()

    def tables(self) -> Iterator[pa.Table]:
        """All rows so far; none may be added meanwhile or after."""
        self._flush()
        self._open.close()
        for key in sorted(self._files, key=_nulls_last):
            with pa.OSFile(str(self._files[key])) as file, pa.ipc.open_stream(file) as stream:
                yield stream.read_all()

    def _flush(self) -> None:
        dealt: defaultdict[_Key, list[Row]] = defaultdict(list)
        for row in self._waiting:
            dealt[self._key(row)].append(row)
        for key, rows in dealt.items():
            self._writer(key).write_table(rows_to_table(rows, self._schema))
        self._waiting.clear()

    def _key(self, row: Row) -> _Key:
        values = [None if row[name] is None else str(row[name]) for name in self._dealt_by]
        *whole, last = values or [None]
        return *whole, None if last is None else f"{bisect(_DIGITS, last[:1]):02}"

    def _writer(self, key: _Key) -> pa.ipc.RecordBatchStreamWriter:
        if key not in self._writers:
            self._files[key] = self._folder / f"{len(self._files)}.arrow"
            sink = self._open.enter_context(pa.OSFile(str(self._files[key]), "wb"))
            writer = pa.ipc.new_stream(sink, self._schema, options=_OPTIONS)
            self._writers[key] = self._open.enter_context(writer)
        return self._writers[key]


def _nulls_last(key: _Key) -> list[tuple[bool, str]]:
    return [(value is None, value or "") for value in key]
