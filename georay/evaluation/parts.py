"""The unfinished work of a run: a file of answers for each shard, beside their settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from georay.core.manifest import write_json
from georay.core.paths import AnyPath, files_in, remove_tree
from georay.core.run_folder import read_facts
from georay.core.tables import conform


@dataclass(frozen=True)
class Parts:
    """The folder of unfinished work. schema: of its rows; key: the column that tells them apart."""

    root: AnyPath
    schema: pa.Schema
    key: str

    @property
    def settings(self) -> AnyPath:
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
        remove_tree(self.root)

    def _tables(self) -> list[pa.Table]:
        found = []
        for file in files_in(self.root, "part-*.parquet"):
            content = pa.py_buffer(file.read_bytes())  # what cannot be read now is not damaged
            try:
                found.append(conform(pq.read_table(content), self.schema, str(file)))
            except (OSError, pa.ArrowException, ValueError):
                file.unlink()
        return found


def refuse_other_settings(
    place: AnyPath, before: Mapping[str, object], settings: Mapping[str, object]
) -> None:
    """Raises ValueError if what lies at `place` came about with others, naming each."""
    if changed := [name for name in settings if before.get(name) != settings[name]]:
        differences = "; ".join(f"{n} was {before.get(n)}, is {settings[n]}" for n in changed)
        raise ValueError(
            f"{place} holds answers that came about otherwise ({differences}); choose another "
            "output, or remove it to ask anew"
        )
