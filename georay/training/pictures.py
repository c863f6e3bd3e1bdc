"""Pictures' bytes for the workers. Light: the processes that read import no torch."""

import time
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from georay.core.images import ImageLimits, Photograph
from georay.core.picture_files import PictureFile
from georay.core.storage import read_bytes
from georay.errors import UnreadableImage

LIMITS = ImageLimits()
_THREADS = 4
_WAITS_SECONDS = (0.5, 2.0, 8.0)  # before each further try


class ReadPictures:
    """Adds `pictures`, the encoded bytes, to a table whose rows are slots with their `uris`."""

    reads = ("uris",)
    adds = ("pictures",)

    def __call__(self, table: pa.Table) -> pa.Table:
        with ThreadPoolExecutor(_THREADS) as threads:
            pictures = [
                list(threads.map(read_picture, uris)) for uris in table.column("uris").to_pylist()
            ]
        return table.append_column("pictures", pa.array(pictures, pa.list_(pa.large_binary())))


def read_picture(uri: str) -> bytes:
    """The encoded picture, asked for again where storage fails for a moment.

    Raises OSError if it cannot be read.
    """
    for wait in _WAITS_SECONDS:
        try:
            return read_bytes(uri, LIMITS.max_bytes)
        except (FileNotFoundError, PermissionError, IsADirectoryError):
            raise
        except OSError:
            time.sleep(wait)
    return read_bytes(uri, LIMITS.max_bytes)


def look(uri: str, projection: str | None, shortest_side: int | None = None) -> Photograph | str:
    """The picture of a row, as `PictureFile.decode` gives it, or why there is none."""
    try:
        source = PictureFile.of_row(uri, projection)
        return source.decode(read_picture(source.file), LIMITS, shortest_side)
    except (OSError, ValueError, UnreadableImage) as problem:
        return str(problem)
