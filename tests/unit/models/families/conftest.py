"""A chat endpoint on this machine for every test of remote models."""

from collections.abc import Iterator

import pytest
from misbehaving_endpoint import Endpoint


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Endpoint()
    yield server
    server.close()
