"""The unfinished work of a run: a file of answers for each shard, beside their settings."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from georay.core.manifest import write_atomic, write_json
from georay.core.run_folder import read_facts
from georay.core.tables import conform


@dataclass(frozen=True)
class Parts:
    """The folder of unfinished work. schema: of its rows; key: the column that tells them apart."""

    root: Path
    schema: pa.Schema
    key: str

    @property
    def settings(self) -> Path:
        return self.root / "settings.json"

    def read_settings(self) -> dict[str, Any] | None:
        """What the answers here came about with; None where there is no unfinished work."""
        return read_facts(self.settings)

    def begin(self, settings: Mapping[str, object]) -> None:
        """Parts count only beside the settings that they came about with."""
        if not self.settings.exists():
            self.remove()
            write_json(self.settings, dict(settings))
        for partial in self.root.glob("*.partial"):
            partial.unlink()

    def remaining(self, rows: pa.Table) -> pa.Table:
        """The rows that no part holds. A part that is damaged is removed, and its rows remain."""
        done = [table.column(self.key) for table in self._tables()]
        if not done:
            return rows
        keys = pa.chunked_array([chunk for column in done for chunk in column.chunks])
        return rows.filter(pc.invert(pc.is_in(rows.column(self.key), value_set=keys)))

    def gathered(self, rows: pa.Table) -> pa.Table:
        """The answers to the rows, in their order; every row once. Raises ValueError otherwise."""
        found = self.table()
        at = pc.index_in(rows.column(self.key), value_set=found.column(self.key))
        if at.null_count:
            raise ValueError(f"{at.null_count:,} rows have no answer in {self.root}: run it again")
        return found.take(at)

    def table(self) -> pa.Table:
        """Every answer that is here, in no order."""
        return pa.concat_tables([self.schema.empty_table(), *self._tables()])

    def remove(self) -> None:
        """Ends unfinished work: what it held is whole elsewhere, or counts no more."""
        shutil.rmtree(self.root, ignore_errors=True)

    def _tables(self) -> list[pa.Table]:
        found = []
        for file in sorted(self.root.glob("part-*.parquet")):
            try:
                found.append(conform(pq.ParquetFile(file).read(), self.schema, str(file)))
            except (OSError, pa.ArrowException, ValueError):
                file.unlink()
        return found


def refuse_other_settings(
    place: Path, before: Mapping[str, object], settings: Mapping[str, object]
) -> None:
    """Raises ValueError if what lies at `place` came about with others, naming each."""
    if changed := [name for name in settings if before.get(name) != settings[name]]:
        differences = "; ".join(f"{n} was {before.get(n)}, is {settings[n]}" for n in changed)
        raise ValueError(
            f"{place} holds answers that came about otherwise ({differences}); choose another "
            "output, or remove it to ask anew"
        )


def write_table(path: Path, table: pa.Table) -> None:
    """A Parquet file, whole or not at all."""
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd")
    write_atomic(path, buffer.getvalue().to_pybytes())
