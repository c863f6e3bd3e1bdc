"""The folder of collected street views: its files, its journals, and its lock."""

import csv
import fcntl
import io
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from georay.core.manifest import write_atomic, write_table
from georay.core.paths import AnyPath, address_of, files_in, open_input
from georay.core.run_folder import finish_publishing, hold_to, only_writer, read_facts
from georay.core.storage import parse_address
from georay.core.tables import STREET_VIEWS, rows_to_table

Row = dict[str, Any]
LABELS = "labels.csv"
_LABEL_COLUMNS = ("file", "country", "city", "latitude", "longitude", "heading", "captured_at",
                  "licence", "attribution")  # fmt: skip
_WORKERS_LOCK = ".workers"
_PATIENCE_S = 120.0
_NOTED_AT_ONCE = 20  # views, in a storage

VIEWS = pa.schema(
    [
        *(field.with_nullable(True) for field in STREET_VIEWS),
        pa.field("error", pa.string()),
        pa.field("error_kind", pa.string()),
    ]
)
"""Work in progress: a view that was taken, or one with an error."""


@dataclass(frozen=True)
class CollectFolder:
    """Paths of a run. `parts` is work that is not published yet: journals, and tables of them.

    The files that describe the run are not called as those of a curation: that would hide the
    pictures from `georay curate`.
    """

    root: AnyPath

    @property
    def parts(self) -> AnyPath:
        return self.root / "parts"

    @property
    def pictures(self) -> AnyPath:
        return self.root / "pictures"

    @property
    def images(self) -> AnyPath:
        return self.root / "images.parquet"

    @property
    def missing(self) -> AnyPath:
        return self.root / "missing.parquet"

    @property
    def manifest(self) -> AnyPath:
        return self.root / "collect.json"

    @property
    def settings(self) -> AnyPath:
        return self.root / "settings.json"

    @property
    def day_quota(self) -> AnyPath:
        return self.root / "day_quota.json"

    @property
    def report(self) -> AnyPath:
        return self.root / "report.html"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the folder for one run, once the workers of a killed one have ended.

        Raises ValueError if another run holds it, or such workers go on for minutes.
        """
        with only_writer(self.root):
            self.parts.mkdir(exist_ok=True)
            if isinstance(self.parts, Path):
                _wait_for_workers(self.parts)
            finish_publishing(self.root)
            self._end_journals()
            yield

    @contextmanager
    def working(self) -> Iterator[None]:
        """Held by each worker while it writes, whatever becomes of its driver.

        A storage holds nothing; there the claim of a killed run outlives its workers.
        """
        self.parts.mkdir(parents=True, exist_ok=True)
        if not isinstance(self.parts, Path):
            yield
            return
        with (self.parts / _WORKERS_LOCK).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            yield

    def hold_to_settings(self, settings: Mapping[str, object]) -> None:
        """Raises ValueError if the views here were taken with other settings."""
        before = read_facts(self.settings) if self.views().num_rows else None
        hold_to(self.settings, before, settings, "views taken")

    def views(self) -> pa.Table:
        """Every view that is done, published or not, each once (schema VIEWS)."""
        files = [one for one in (self.images, self.missing) if one.exists()]
        tables = [_read_table(one) for one in (*files, *files_in(self.parts))]
        joined = pa.concat_tables(
            [VIEWS.empty_table(), *(_as_views(table) for table in tables)]
        ).combine_chunks()
        first = (
            joined.append_column("at", pa.array(range(joined.num_rows), pa.int64()))
            .group_by(["point_id", "side"], use_threads=False)
            .aggregate([("at", "min")])
        )
        return joined.take(first["at_min"])

    def remove_unnoted_pictures(self) -> None:
        """Removes files of views that were never noted: their worker was killed in between.

        They are asked for again; where that fails, nothing would name the file that lies there.
        """
        taken = self.views().filter(pc.field("error").is_null())
        noted = {
            f"{point}_{side}"
            for point, side in zip(
                taken["point_id"].to_pylist(), taken["side"].to_pylist(), strict=True
            )
        }
        for file in self.pictures.glob("*/*"):
            if file.stem not in noted:
                file.unlink()

    def _end_journals(self) -> None:
        """Makes tables of what killed workers had noted."""
        for journal in files_in(self.parts, "*.jsonl"):
            table = journal.with_suffix(".parquet")
            if not table.exists() and (rows := _read_journal(journal)):
                write_table(table, rows_to_table(rows, VIEWS))
            journal.unlink()


class Journal:
    """Views noted one by one as they are done, so that a killed worker loses none of them.

    A storage cannot append: there the notes are written anew after every few views, and a killed
    worker loses the last of them, which are asked for again.
    """

    def __init__(self, folder: CollectFolder) -> None:
        self._path = folder.parts / f"{time.time_ns()}-{uuid4().hex[:8]}.jsonl"
        path = self._path
        self._file: TextIO = (
            path.open("w", encoding="utf-8") if isinstance(path, Path) else io.StringIO()
        )
        self.rows: list[Row] = []

    def note(self, row: Row) -> None:
        self.rows.append(row)
        self._file.write(json.dumps(row, default=_as_text, ensure_ascii=False) + "\n")
        if isinstance(self._file, io.StringIO):
            if len(self.rows) % _NOTED_AT_ONCE == 0:
                self._path.write_bytes(self._file.getvalue().encode())
        else:
            self._file.flush()

    def close(self) -> None:
        """Replaces the journal by a table."""
        self._file.close()
        if self.rows:
            write_table(self._path.with_suffix(".parquet"), rows_to_table(self.rows, VIEWS))
        self._path.unlink(missing_ok=True)


def write_labels(images: pa.Table, root: AnyPath, path: AnyPath) -> None:
    """What `georay curate` reads beside pictures: their places, by names below `root`."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _LABEL_COLUMNS)
    writer.writeheader()
    folder = address_of(root)
    for row in images.select(["uri", *_LABEL_COLUMNS[1:]]).to_pylist():
        file = folder.relative(parse_address(row.pop("uri")))
        writer.writerow({"file": file, **row})
    write_atomic(path, text.getvalue())


def _wait_for_workers(parts: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    with (parts / _WORKERS_LOCK).open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ValueError(
                        f"workers of an earlier run still write to {parts.parent}: end them first"
                    ) from None
                time.sleep(0.2)


def _read_table(path: AnyPath) -> pa.Table:
    with open_input(path) as file:
        return pq.read_table(file)


def _as_views(table: pa.Table) -> pa.Table:
    columns = [
        table[field.name].cast(field.type)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in VIEWS
    ]
    return pa.table(columns, schema=VIEWS)


def _read_journal(journal: AnyPath) -> list[Row]:
    """The rows of a journal; the last line counts only if it is whole."""
    whole, _, _ = journal.read_bytes().decode("utf-8", "replace").rpartition("\n")
    rows = [json.loads(line) for line in whole.split("\n") if line]
    for row in rows:
        if row.get("captured_at"):
            row["captured_at"] = datetime.fromisoformat(row["captured_at"])
    return rows


def _as_text(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()
