"""A real S3 server on loopback, and its bucket as a test sees it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest
from moto.server import ThreadedMotoServer
from pyarrow.fs import FileSystem

BUCKET = "pictures"
KEYS = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_EC2_METADATA_DISABLED": "true",
}
AWKWARD = (
    "plain.jpg",
    "a blank.jpg",
    "Zürich.jpg",
    "Zu\u0308rich.jpg",
    "50%.jpg",
    "f g.jpg",
    "f%20g.jpg",
    "hash#tag.jpg",
    "what?.jpg",
    "what?a=b.jpg",
    "one+one.jpg",
    "[2020] *.jpg",
    "heading#heading=90",
)
"""Names that storages and people have, and that are easily read as something else."""


@dataclass(frozen=True)
class Bucket:
    """A bucket behind an address of this machine. options: how it is reached, as in a uri."""

    filesystem: FileSystem
    options: str

    def put(self, key: str, content: bytes) -> None:
        with self.filesystem.open_output_stream(f"{BUCKET}/{key}") as stream:
            stream.write(content)

    def uri(self, key: str) -> str:
        """The address of a key that needs no escaping."""
        return f"s3://{BUCKET}/{key}?{self.options}"


@contextmanager
def serving_bucket() -> Iterator[Bucket]:
    """An empty bucket, as long as the block lasts."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        try:
            host, port = server.get_host_and_port()
            httpx.post(f"http://{host}:{port}/moto-api/reset")  # buckets outlive their server
            options = f"endpoint_override=http://{host}:{port}&region=us-east-1"
            uri = f"s3://{BUCKET}?{options}&allow_bucket_creation=true"
            filesystem, _ = FileSystem.from_uri(uri)
            filesystem.create_dir(BUCKET)
            yield Bucket(filesystem, options)
        finally:
            server.stop()
