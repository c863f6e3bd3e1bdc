"""A hub id without a commit is pinned once, by asking the hub: a real server on loopback here."""

import http.server
import json
import threading

import pytest

from georay.errors import ModelUnavailable
from georay.models.segmenters.hub import pinned_revision

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.path.startswith("/api/models/someone/segmenter")
        body = json.dumps({"id": "someone/segmenter", "sha": COMMIT}).encode() if known else b"{}"
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Keeps the tests' output clean."""


@pytest.fixture
def hub(monkeypatch):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr("huggingface_hub.hf_api.constants.ENDPOINT", address)
    yield
    server.shutdown()


def test_the_main_branch_is_pinned_to_the_commit_that_the_hub_names(hub):
    assert pinned_revision("someone/segmenter", None) == COMMIT


def test_a_full_commit_is_taken_as_it_is_without_asking_anyone():
    assert pinned_revision("someone/segmenter", "f" * 40) == "f" * 40


def test_models_that_are_not_on_a_hub_need_no_commit(tmp_path):
    assert pinned_revision("small", None) is None
    assert pinned_revision(str(tmp_path), None) is None


def test_a_hub_that_does_not_know_the_model_ends_in_advice(hub):
    with pytest.raises(ModelUnavailable, match="--segmenter small"):
        pinned_revision("someone/else", None)


def test_an_unreachable_hub_ends_in_advice(monkeypatch):
    monkeypatch.setattr("huggingface_hub.hf_api.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelUnavailable, match="cannot pin the segmenter"):
        pinned_revision("someone/segmenter", None)
