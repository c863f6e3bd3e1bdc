"""The folder of a curation run: its files, its lock, and what is already done."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from georay.core.paths import AnyPath, files_in, open_input, open_parquet, relative_name, rename
from georay.core.run_folder import finish_publishing, only_writer, read_facts
from georay.core.tables import SCORES, conform


@dataclass(frozen=True)
class RunFolder:
    """Paths of a curation run: `parts` is unfinished work, `scores` every row of a finished one."""

    root: AnyPath

    @property
    def parts(self) -> AnyPath:
        return self.root / "parts"

    @property
    def scores(self) -> AnyPath:
        return self.root / "scores"

    @property
    def curated(self) -> AnyPath:
        return self.root / "curated"

    @property
    def examples(self) -> AnyPath:
        return self.root / "examples"

    @property
    def weights(self) -> AnyPath:
        return self.root / "weights.json"

    @property
    def made_weights(self) -> AnyPath:
        """Weights made from clues, with what they were made from, so that a rerun need not."""
        return self.root / "made_weights.json"

    @property
    def manifest(self) -> AnyPath:
        return self.root / "manifest.json"

    @property
    def settings(self) -> AnyPath:
        return self.root / "settings.json"

    @property
    def report(self) -> AnyPath:
        return self.root / "report.html"

    def score_files(self) -> list[AnyPath]:
        """Files that hold scored rows: of the finished run first, then of unfinished work."""
        return files_in(self.scores) + files_in(self.parts)

    def read_manifest(self) -> dict[str, Any] | None:
        """The manifest of a finished run; None if there is none, or a damaged one."""
        try:
            return read_facts(self.manifest)
        except ValueError:
            return None

    def read_settings(self) -> dict[str, Any]:
        """The settings that the rows here were scored with; empty where nothing was scored.

        Raises ValueError if there are rows and nothing says how they came about.
        """
        if not self.score_files():
            return {}
        try:
            settings = read_facts(self.settings)
        except ValueError as problem:
            raise ValueError(f"{self._unknown_rows()}: {problem}") from None
        if settings is None:
            raise ValueError(self._unknown_rows())
        return settings

    def _unknown_rows(self) -> str:
        return (
            f"nothing says with which settings the rows in {self.root} were scored; choose "
            "another --out, or remove that folder to score anew"
        )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the folder; raises ValueError if another process does, or it cannot be held."""
        with only_writer(self.root):
            finish_publishing(self.root)
            for partial in self.parts.glob("*.partial"):
                partial.unlink()
            yield

    def set_damaged_aside(self) -> list[str]:
        """Renames score files that cannot be read, so that their rows are scored again.

        Returns a note on each, for a person.
        """
        notes = []
        for file in self.score_files():
            if problem := _damage(file):
                rename(file, file.with_suffix(".damaged"))
                name = relative_name(file, self.root)
                notes.append(f"{name} is damaged and set aside, its rows are done again: {problem}")
        return notes


def _damage(file: AnyPath) -> str | None:
    """Why a score file cannot be read to its end; None if it can."""
    try:
        for batch in open_parquet(file).iter_batches():
            conform(pa.Table.from_batches([batch]), SCORES, file.name)
    except (pa.ArrowException, OSError, ValueError) as problem:
        return str(problem).strip().partition("\n")[0]
    return None


def read_columns(files: list[AnyPath], columns: list[str], schema: pa.Schema) -> pa.Table:
    """These columns of all files as one table."""
    wanted = pa.schema([schema.field(name) for name in columns])
    tables = [pa.parquet.read_table(open_input(file), columns=columns) for file in files]
    conforming = [
        conform(table, wanted, str(file)) for table, file in zip(tables, files, strict=True)
    ]
    return pa.concat_tables([wanted.empty_table(), *conforming])
