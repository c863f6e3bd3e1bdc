"""Files of a storage that are read with patience: every read is retried, not the opening alone.

A storage that is overloaded for a moment refuses any of the requests that reading takes; S3's
client gives up at once where the refusal is longer than what was asked for (a Parquet footer).
"""

import io

import pyarrow as pa
from pyarrow.fs import FileSystem

from georay.core.retries import with_retries


def open_patiently(filesystem: FileSystem, path: str) -> pa.NativeFile:
    """The file, to be read from any place in it. Opening and reading raise OSError."""
    opened = with_retries(lambda: filesystem.open_input_file(path))
    return pa.PythonFile(_Patient(opened), mode="r")


class _Patient:
    """What pyarrow asks of a Python file, over one whose reads may fail for a moment."""

    def __init__(self, opened: pa.NativeFile) -> None:
        self._opened, self._at = opened, 0
        self._size: int = with_retries(opened.size)

    @property
    def closed(self) -> bool:
        return bool(self._opened.closed)

    def read(self, number: int = -1) -> bytes:
        left = max(self._size - self._at, 0)
        wanted = left if number < 0 else min(number, left)
        found: bytes = with_retries(lambda: self._opened.read_at(wanted, self._at))
        self._at += len(found)
        return found

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        self._opened.close()
