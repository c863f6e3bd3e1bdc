"""Where a table of clues and its unfinished work lie, and what of it is already done."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from georay.core.manifest import write_json
from georay.core.paths import AnyPath, remove_tree
from georay.core.run_folder import only_writer, read_facts


@dataclass(frozen=True)
class CluesFiles:
    """The files that a run publishes: the table itself, and the files that describe it."""

    table: AnyPath

    @property
    def dropped(self) -> AnyPath:
        return self.table.with_suffix(".dropped.parquet")

    @property
    def report(self) -> AnyPath:
        return self.table.with_suffix(".html")

    @property
    def manifest(self) -> AnyPath:
        """Written last, so where it is, the others are whole."""
        return self.table.with_suffix(".json")

    @property
    def work(self) -> AnyPath:
        return self.table.with_name(f".{self.table.stem}.work")


@dataclass(frozen=True)
class Workspace:
    """Unfinished work. A part is a slice of the sentences and the unit of retry and resume; every
    file appears whole or not at all. `root` must be a folder that every worker sees.
    """

    root: AnyPath

    @property
    def parts(self) -> AnyPath:
        return self.root / "parts"

    @property
    def examined(self) -> AnyPath:
        return self.root / "examined"

    @property
    def bands(self) -> AnyPath:
        return self.root / "bands"

    @property
    def repeats(self) -> AnyPath:
        return self.root / "repeats"

    @property
    def gathered(self) -> AnyPath:
        return self.root / "gathered"

    @property
    def kept(self) -> AnyPath:
        return self.root / "kept"

    @property
    def dropped(self) -> AnyPath:
        return self.root / "dropped"

    @property
    def reading(self) -> AnyPath:
        """What reading the sources found, written when all parts are there."""
        return self.root / "reading.json"

    @contextmanager
    def held(self, settings: str) -> Iterator[None]:
        """Holds the folder, emptied if it was begun with other settings, and removes it at the end.

        What was done stays if an error ends the run. Raises ValueError if another run holds it.
        """
        lock = f"{self.root.name}.lock"
        with only_writer(self.root.parent, lock):
            self._begin(settings)
            try:
                yield
            except BaseException:
                if not any(self.parts.iterdir()):  # nothing was read
                    remove_tree(self.root)
                raise
            remove_tree(self.root)
            (self.root.parent / lock).unlink(missing_ok=True)

    def _begin(self, settings: str) -> None:
        begun = self.root / "settings.json"
        if (_read_or_none(begun) or {}).get("settings") != settings:
            remove_tree(self.root)
            for folder in (self.parts, self.examined, self.bands, self.repeats, self.gathered):
                folder.mkdir(parents=True)
            self.kept.mkdir()
            self.dropped.mkdir()
            write_json(begun, {"settings": settings})


def _read_or_none(path: AnyPath) -> dict[str, object] | None:
    try:
        return read_facts(path)
    except ValueError:  # what a full disk left of it: begun anew
        return None


def missing(names: Sequence[str], folder: AnyPath) -> list[str]:
    """The names that are not in the folder yet."""
    there = {path.name for path in folder.iterdir()}
    return [name for name in names if name not in there]
