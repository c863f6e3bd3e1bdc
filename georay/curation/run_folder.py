"""The folder of a run: where things lie in it, who may write to it, and what is already done."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from georay.core.tables import conform


@dataclass(frozen=True)
class RunFolder:
    """Paths of a curation run: `parts` is unfinished work, `scores` every row of a finished one."""

    root: Path

    @property
    def parts(self) -> Path:
        return self.root / "parts"

    @property
    def scores(self) -> Path:
        return self.root / "scores"

    @property
    def curated(self) -> Path:
        return self.root / "curated"

    @property
    def examples(self) -> Path:
        return self.root / "examples"

    @property
    def weights(self) -> Path:
        return self.root / "weights.json"

    @property
    def made_weights(self) -> Path:
        """Weights made from clues, with what they were made from, so that a rerun need not."""
        return self.root / "made_weights.json"

    @property
    def manifest(self) -> Path:
        return self.root / "manifest.json"

    @property
    def settings(self) -> Path:
        return self.root / "settings.json"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    def score_files(self) -> list[Path]:
        """Files that hold scored rows: of the finished run first, then of unfinished work."""
        return parquet_files(self.scores) + parquet_files(self.parts)

    def read_manifest(self) -> dict[str, Any] | None:
        return json.loads(self.manifest.read_text()) if self.manifest.exists() else None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the folder; raises ValueError if another process on this machine does."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ValueError(
                    f"another run is writing to {self.root}; wait for it, or choose another --out"
                ) from None
            file.write(str(os.getpid()))
            self._recover()
            yield

    def _recover(self) -> None:
        """Ends a swap that a crash cut short (see `replace_folder`), drops half-written files."""
        for folder in (self.scores, self.curated):
            fresh = _beside(folder, "new")
            if fresh.exists() and not folder.exists():
                fresh.rename(folder)
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.rmtree(_beside(folder, "old"), ignore_errors=True)
        for partial in self.parts.glob("*.partial"):
            partial.unlink()


def parquet_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet"))


def read_columns(files: list[Path], columns: list[str], schema: pa.Schema) -> pa.Table:
    """These columns of all files as one table."""
    wanted = pa.schema([schema.field(name) for name in columns])
    tables = [pa.parquet.read_table(file, columns=columns) for file in files]
    conforming = [
        conform(table, wanted, str(file)) for table, file in zip(tables, files, strict=True)
    ]
    return pa.concat_tables([wanted.empty_table(), *conforming])


@contextmanager
def replace_folder(folder: Path) -> Iterator[Path]:
    """Gives an empty folder to fill, which then takes the place of `folder` as a whole."""
    fresh, old = _beside(folder, "new"), _beside(folder, "old")
    shutil.rmtree(fresh, ignore_errors=True)
    filling = _beside(folder, "filling")
    shutil.rmtree(filling, ignore_errors=True)
    filling.mkdir(parents=True)
    yield filling
    filling.rename(fresh)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _beside(folder: Path, state: str) -> Path:
    return folder.with_name(f".{folder.name}.{state}")
