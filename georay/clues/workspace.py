"""Where a table of clues and its unfinished work lie, and what of it is already done."""

import fcntl
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from georay.core.manifest import write_json


@dataclass(frozen=True)
class CluesFiles:
    """The files that a run publishes: the table itself, and beside it what tells about it."""

    table: Path

    @property
    def dropped(self) -> Path:
        return self.table.with_suffix(".dropped.parquet")

    @property
    def report(self) -> Path:
        return self.table.with_suffix(".html")

    @property
    def manifest(self) -> Path:
        """Written last, so where it is, the others are whole."""
        return self.table.with_suffix(".json")

    @property
    def work(self) -> Path:
        return self.table.with_name(f".{self.table.stem}.work")


@dataclass(frozen=True)
class Workspace:
    """Unfinished work. A part is a slice of the sentences and the unit of retry and resume; every
    file appears whole or not at all. `root` must be a folder that every worker sees.
    """

    root: Path

    @property
    def parts(self) -> Path:
        return self.root / "parts"

    @property
    def examined(self) -> Path:
        return self.root / "examined"

    @property
    def bands(self) -> Path:
        return self.root / "bands"

    @property
    def repeats(self) -> Path:
        return self.root / "repeats"

    @property
    def gathered(self) -> Path:
        return self.root / "gathered"

    @property
    def kept(self) -> Path:
        return self.root / "kept"

    @property
    def dropped(self) -> Path:
        return self.root / "dropped"

    @property
    def reading(self) -> Path:
        """What reading the sources found, written when all parts are there."""
        return self.root / "reading.json"

    @contextmanager
    def held(self, settings: str) -> Iterator[None]:
        """Holds the folder, emptied if it was begun with other settings, and removes it at the end.

        What was done stays if an error ends the run. Raises ValueError if another run holds it.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        lock = self.root.with_name(f"{self.root.name}.lock")
        with lock.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ValueError(
                    f"another run is writing to {self.root}; wait for it, or choose another --out"
                ) from None
            self._begin(settings)
            yield
            shutil.rmtree(self.root)
            lock.unlink()

    def _begin(self, settings: str) -> None:
        begun = self.root / "settings.json"
        if not begun.exists() or json.loads(begun.read_text()) != settings:
            shutil.rmtree(self.root)
            for folder in (self.parts, self.examined, self.bands, self.repeats, self.gathered):
                folder.mkdir(parents=True)
            self.kept.mkdir()
            self.dropped.mkdir()
            write_json(begun, settings)


def missing(names: Sequence[str], folder: Path) -> list[str]:
    """The names that are not in the folder yet."""
    there = {path.name for path in folder.iterdir()}
    return [name for name in names if name not in there]


def write_whole(table: pa.Table, path: Path, row_group: int | None = None) -> None:
    """Writes a Parquet file so that it is there whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    pa.parquet.write_table(table, partial, compression="zstd", row_group_size=row_group)
    partial.replace(path)
