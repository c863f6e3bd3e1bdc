"""Merges score files while scoring goes on: one per block would be too many to open."""

from georay.core.manifest import digest
from georay.core.paths import AnyPath, files_in, open_parquet, whole_parquet
from georay.core.tables import SCORES

_GATHERED = "gathered-"
MOST_FILES = 256


class Gathering:
    """Counts the blocks that were written, and makes one file of so many of theirs."""

    def __init__(self, parts: AnyPath) -> None:
        self._parts, self._num_blocks = parts, 0

    def count_block(self) -> None:
        """Called for each block that was written below `parts`."""
        self._num_blocks += 1
        if self._num_blocks % MOST_FILES == 0:
            gather(self._parts)


def gather(parts: AnyPath) -> None:
    """One file of all blocks' files; killed in between, rows stand in two files.

    Who reads score files takes a row that stands twice for one.
    """
    files = [file for file in files_in(parts) if not file.name.startswith(_GATHERED)]
    if not files:
        return
    name = f"{_GATHERED}{digest(*(file.name for file in files))}.parquet"
    with whole_parquet(parts / name, SCORES) as writer:
        for file in files:
            writer.write_table(open_parquet(file).read())
    for file in files:
        file.unlink(missing_ok=True)
