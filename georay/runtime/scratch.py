"""A private cluster's folder in TMPDIR: short enough for Ray's sockets, and gone at its end."""

import fcntl
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PREFIX = "georay-"
_HELD = ".held"
_MOST_BYTES = 103 if sys.platform == "darwin" else 107  # of the path of a Unix socket
_RANDOM_LETTERS = 8  # that `mkdtemp` adds


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for one private cluster, removed whatever ends the body.

    What an earlier process left because it was killed outright is removed first. Raises ValueError
    if TMPDIR is too long for Ray.
    """
    parent = Path(tempfile.gettempdir())
    _check_length(parent)
    _sweep(parent)
    with ExitStack() as held:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        try:
            held.enter_context(_hold(folder))
            yield folder
        finally:
            with uninterrupted():
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Within, neither Ctrl-C nor SIGTERM nor SIGHUP ends what must be ended in order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for one in before:
        signal.signal(one, signal.SIG_IGN)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _check_length(parent: Path) -> None:
    """Raises ValueError where Ray could not open its sockets; it says so late and in riddles."""
    socket = "session_2026-11-30_13-00-00_000000_1234567/sockets/plasma_store"  # the process's id
    beyond = len(os.fsencode(parent / (PREFIX + _RANDOM_LETTERS * "x") / socket)) - _MOST_BYTES
    if beyond > 0:
        raise ValueError(
            f"the folder for temporary files, {parent}, has a name {beyond} bytes too long for "
            "Ray's sockets; set TMPDIR to a shorter one, for instance TMPDIR=/tmp"
        )


@contextmanager
def _hold(folder: Path) -> Iterator[None]:
    """Marks the folder as one of a living process, for as long as it lives."""
    with (folder / f"{_HELD}.new").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        Path(file.name).rename(folder / _HELD)  # where this name is, the lock was taken before
        yield


def _sweep(parent: Path) -> None:
    """Removes folders whose process is gone; those without a mark are not ours to judge."""
    for mark in parent.glob(f"{PREFIX}*/{_HELD}"):
        try:
            with mark.open("a") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(mark.parent, ignore_errors=True)
        except OSError:  # held by a living process, or another user's
            continue
