"""One small model with adapters, and one application over it, for all tests of serving."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from serving_parts import HereBackend, save_small_model, small_recipe
from starlette.testclient import TestClient

from georay.serving.ingress.http import http_app

MAX_BODY = 300_000


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_small_model(tmp_path_factory.mktemp("serving"))


@pytest.fixture(scope="session")
def backend(model: Path) -> HereBackend:
    return HereBackend(small_recipe(model))


@pytest.fixture(scope="session")
def client(model: Path, backend: HereBackend) -> Iterator[TestClient]:
    """The whole HTTP application, with small limits."""
    limits = {"max_body_bytes": MAX_BODY, "max_images": 4, "max_pixels": 500_000}
    app = http_app(small_recipe(model, limits=limits), backend)
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened
