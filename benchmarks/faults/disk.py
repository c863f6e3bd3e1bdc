"""A small disk of its own for what is to run full: a file system in memory."""

import errno
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_SIZE = 192 << 20
_CHUNK = bytes(1 << 20)


class Disk:
    """A folder with little room. fill: until no byte more fits; free: with room again."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / ".ballast"

    def fill(self) -> None:
        with self._ballast.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(_CHUNK)
            except OSError as problem:
                if problem.errno != errno.ENOSPC:
                    raise

    def free(self) -> None:
        self._ballast.unlink()


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """Mounts one at a folder that is made. Raises OSError where this machine does not allow it."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "georay-faults", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip())
    try:
        yield Disk(folder)
    finally:
        # A process that is just ending may hold a file open: the rest goes when it has ended.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@cache
def why_no_disk() -> str | None:
    """Why this machine allows no small disk; None where it does."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with small_disk(Path(folder) / "disk"):
                return None
        except OSError as problem:
            return f"no disk can be mounted: {problem}"
