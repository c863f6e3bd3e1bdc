"""Pictures' bytes for the workers. Light: the processes that read import no torch."""

from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from georay.core.files import read_bytes
from georay.core.images import ImageLimits

LIMITS = ImageLimits()
_THREADS = 4


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
    """The encoded picture. Raises OSError if it cannot be read."""
    return read_bytes(uri, LIMITS.max_bytes)
