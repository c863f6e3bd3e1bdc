"""Results appear whole or not at all, and are checked before they are believed.

What is written goes to a hidden folder first; when all of it is there, renames put it in place, the
JSON that describes it last. A crash between the renames is ended by the next writer.
"""

import fcntl
import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from georay.core.manifest import file_sha256

_FILLING, _READY, _OLD = ".filling", ".ready", ".old"
_LOCK = ".lock"


@contextmanager
def publishing(root: Path) -> Iterator[Path]:
    """Gives an empty folder to fill; then all of it takes the place of its namesakes in `root`.

    If filling fails nothing of `root` has changed, and what was written is removed: a full disk
    needs the room.
    """
    finish_publishing(root)
    filling = root / _FILLING
    filling.mkdir(parents=True)
    try:
        yield filling
        filling.rename(root / _READY)
    except BaseException:
        shutil.rmtree(filling, ignore_errors=True)
        raise
    finish_publishing(root)


def finish_publishing(root: Path) -> None:
    """Ends a publication that a crash cut short, or removes what it had not finished writing."""
    shutil.rmtree(root / _FILLING, ignore_errors=True)
    ready, old = root / _READY, root / _OLD
    if ready.is_dir():
        for fresh in sorted(ready.iterdir(), key=_facts_last):
            _put_in_place(fresh, root / fresh.name, old)
        ready.rmdir()
    shutil.rmtree(old, ignore_errors=True)


def _facts_last(path: Path) -> tuple[bool, str]:
    return path.suffix == ".json", path.name


def _put_in_place(fresh: Path, target: Path, old: Path) -> None:
    if target.is_dir():  # a rename replaces a file, and no folder that holds something
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
    fresh.rename(target)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Gives an empty folder to fill, which then becomes `folder` as a whole.

    Raises ValueError if `folder` already holds something.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty: name a new folder, or remove what it holds")
    filling = folder.with_name(f".{folder.name}{_FILLING}")
    shutil.rmtree(filling, ignore_errors=True)
    filling.mkdir(parents=True)
    try:
        yield filling
        filling.rename(folder)
    except BaseException:
        shutil.rmtree(filling, ignore_errors=True)
        raise


@contextmanager
def only_writer(folder: Path, lock: str = _LOCK) -> Iterator[None]:
    """Holds a folder for one run; ended processes hold nothing, whatever ended them.

    lock: the hidden file that is locked; another one where several runs may share a folder.
    Raises ValueError if another process holds it, or if its file system has no locks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / lock).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise ValueError(
                f"another run is writing to {folder}; wait for it, or choose another --out"
            ) from None
        except OSError as problem:
            raise ValueError(
                f"the file system of {folder} does not lock files ({problem.strerror}), so two "
                "runs could mix there; choose an --out on a disk of this machine, or have the "
                "file system mounted with locks"
            ) from None
        yield


def fingerprints(root: Path, paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of files by their paths below `root`, for the JSON that describes them."""
    return {str(path.relative_to(root)): file_sha256(path) for path in sorted(paths)}


def are_whole(root: Path, expected: object) -> bool:
    """Whether every file is there with the SHA-256 of `fingerprints`; False where it is absent."""
    if not isinstance(expected, dict) or not expected:
        return False
    return all(
        (root / name).is_file() and file_sha256(root / name) == sha256
        for name, sha256 in expected.items()
    )


def read_facts(path: Path) -> dict[str, Any] | None:
    """A file that holds one JSON object; None if there is no such file.

    Raises ValueError, naming the file, if it is damaged.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as problem:
        raise ValueError(f"{path} is damaged ({problem}): remove it") from None
    if not isinstance(facts, dict):
        raise ValueError(f"{path} is damaged (no JSON object): remove it")
    return facts
