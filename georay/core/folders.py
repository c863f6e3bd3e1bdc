"""Folders of this machine, walked through their links without going in circles."""

import os
from collections import deque
from collections.abc import Iterable, Iterator


def walk(root: str) -> Iterator[str]:
    """Every file below a folder, in no order; hidden ones left out, broken links kept.

    Linked folders are followed when all others are done, and no folder is entered twice: a file has
    the name that needs no link, if there is one. A folder that cannot be opened comes as a file,
    so that it fails by name and not in silence.
    """
    entered: set[tuple[int, int]] = set()
    real, linked = deque([root]), deque[str]()
    while real or linked:
        folder = real.popleft() if real else linked.popleft()
        at = os.stat(folder)  # noqa: PTH116
        if (at.st_dev, at.st_ino) in entered:
            continue
        entered.add((at.st_dev, at.st_ino))
        for entry in _entries(folder):
            if not entry.is_dir() or not _can_be_opened(entry.path):
                yield entry.path
            else:
                (linked if entry.is_symlink() else real).append(entry.path)


def within_depth(root: str, depth: int) -> Iterator[str]:
    """Every file at most `depth` names below a folder, by all names that links give it."""
    for entry in _entries(root):
        if not entry.is_dir() or not _can_be_opened(entry.path):
            yield entry.path
        elif depth > 1:
            yield from within_depth(entry.path, depth - 1)


def each_once(files: Iterable[str]) -> list[str]:
    """The files without those that a linked folder names a second time."""
    named: dict[tuple[str, str], str] = {}
    for file in files:
        folder, _, name = file.rpartition("/")
        real = os.path.realpath(folder)
        if (real, name) not in named or real == folder:
            named[real, name] = file
    return sorted(named.values())


def _entries(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        visible = [entry for entry in found if not entry.name.startswith(".")]
    return sorted(visible, key=lambda entry: entry.name)


def _can_be_opened(folder: str) -> bool:
    return os.access(folder, os.R_OK | os.X_OK)
