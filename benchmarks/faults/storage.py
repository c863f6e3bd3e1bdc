"""A real S3 server of this machine that answers 503 to one request in fifty."""

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

BUCKET = "faults"
EVERY, FIRST = 50, 3
KEYS = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_SLOW_DOWN = (
    b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class OverloadedNowAndThen:
    """A server's application that does not get to see one request in fifty.

    The third is the first of them, so that few requests meet one too.
    """

    def __init__(self, inner: Application) -> None:
        self.num_refused = 0
        self._inner, self._num_asked, self._lock = inner, 0, threading.Lock()

    def __call__(self, environment: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        with self._lock:
            self._num_asked += 1
            is_refused = self._num_asked % EVERY == FIRST
            self.num_refused += is_refused
        if not is_refused:
            return self._inner(environment, start)
        # Unread, a body would be taken for the next request.
        environment["wsgi.input"].read(int(environment.get("CONTENT_LENGTH") or 0))
        start("503 Slow Down", [("Content-Type", "application/xml")])
        return [_SLOW_DOWN]


@dataclass(frozen=True)
class Storage:
    """uri: of its bucket, empty at first."""

    uri: str
    application: OverloadedNowAndThen


@contextmanager
def overloaded_storage(host: str) -> Iterator[Storage]:
    """The server at an address of this machine; its keys are in the environment meanwhile."""
    from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from pyarrow.fs import FileSystem
    from werkzeug.serving import make_server

    application = OverloadedNowAndThen(DomainDispatcherApplication(create_backend_app))
    server = make_server(host, 0, application, threaded=True, request_handler=MotoRequestHandler)
    before = {name: os.environ.get(name) for name in KEYS}
    os.environ.update(KEYS)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each request
    thread.start()
    try:
        address = f"http://{host}:{server.server_port}"
        httpx.post(f"{address}/moto-api/reset")  # buckets outlive their server
        options = f"endpoint_override={address}&region=us-east-1"
        uri = f"s3://{BUCKET}?{options}"
        filesystem, _ = FileSystem.from_uri(f"{uri}&allow_bucket_creation=true")
        filesystem.create_dir(BUCKET)
        yield Storage(uri, application)
    finally:
        server.shutdown()
        thread.join()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
