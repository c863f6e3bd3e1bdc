"""Headers that do not come in time end the line, over real sockets and uvicorn."""

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from ray.serve._private.http_util import validate_http_proxy_callback_return
from uvicorn.protocols.http import auto

from georay.serving.ingress import proxy
from georay.serving.ingress.proxy import CALLBACK, SECONDS, header_deadline, in_the_proxy

_LONGEST_S = 60.0  # for what should take one second: a hang ends the test, and nothing else does


async def app(scope, receive, send) -> None:
    assert scope["type"] == "http"
    body = b""
    while (message := await receive()).get("more_body"):
        body += message["body"]
    length = str(len(body + message["body"])).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": length})


@pytest.fixture(scope="module", params=["httptools", "h11"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """A uvicorn whose lines have a second for their headers."""
    protocol = uvicorn.config.HTTP_PROTOCOLS[request.param]
    kind = proxy.with_header_deadline(uvicorn.importer.import_from_string(protocol), 1.0)
    config = uvicorn.Config(app, port=0, http=kind, lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    running = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    running.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    running.join(_LONGEST_S)


@pytest.fixture
def line(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), _LONGEST_S) as opened:
        yield opened


def everything(line: socket.socket) -> bytes:
    """What comes until the other side closes."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := line.recv(4096):
            found += piece
    return found


def test_headers_that_never_end_are_told_408_and_the_line_closes(line):
    line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
    answer = everything(line)
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_headers_that_trickle_do_not_hold_the_line_open(line):
    stop = threading.Event()

    def trickle() -> None:
        with contextlib.suppress(OSError):
            line.sendall(b"GET / HTTP/1.1\r\n")
            while not stop.wait(0.1):
                line.sendall(b"X-A: b\r\n")

    trickling = threading.Thread(target=trickle)
    trickling.start()
    try:
        assert b" 200 " not in everything(line)
    finally:
        stop.set()
        trickling.join(_LONGEST_S)


def test_a_silent_line_closes_without_a_word(line):
    assert everything(line) == b""


def test_a_body_may_take_longer_than_headers_may(line):
    line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\nab")
    time.sleep(1.5)
    line.sendall(b"cd")
    answer = everything(line)
    assert b" 200 " in answer and answer.rstrip(b"\r\n0").endswith(b"4")


def test_a_second_request_on_a_line_has_the_same_time(line):
    whole = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    line.sendall(whole)
    assert b" 200 " in line.recv(4096)
    line.sendall(whole[:10])
    assert b"HTTP/1.1 408 " in everything(line)


def test_ray_finds_the_callback_where_a_cluster_starts_and_nowhere_else(monkeypatch):
    monkeypatch.delenv(CALLBACK, raising=False)
    with header_deadline(7.5):
        module, _, name = os.environ[CALLBACK].partition(":")
        assert getattr(proxy, name) is in_the_proxy and module == proxy.__name__
        assert float(os.environ[SECONDS]) == 7.5
    assert CALLBACK not in os.environ and SECONDS not in os.environ
    monkeypatch.setenv(CALLBACK, "the.users:own")
    with header_deadline(7.5):
        assert os.environ[CALLBACK] == "the.users:own"


def test_in_the_proxy_the_protocol_that_uvicorn_takes_is_punctual(monkeypatch):
    usual = auto.AutoHTTPProtocol
    monkeypatch.setattr(auto, "AutoHTTPProtocol", usual)
    assert validate_http_proxy_callback_return(in_the_proxy()) == []
    config = uvicorn.Config(app, http="auto")
    config.load()
    assert config.http_protocol_class is not usual
    assert issubclass(config.http_protocol_class, usual)
