"""The limit of bytes and the deadline, at the level of ASGI messages."""

import asyncio
import json
from typing import Any

import pytest
from serving_parts import HereBackend, small_recipe

from georay.serving.ingress.http import http_app
from georay.serving.ingress.metrics import ServingMetrics
from georay.serving.ingress.middleware import OpenRequests, RequestGuard
from georay.serving.ingress.refusals import Refusal

CHUNK = 64 << 10


def scope(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    kind = (b"content-type", b"multipart/form-data; boundary=x")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/locate",
        "raw_path": b"/v1/locate",
        "query_string": b"",
        "root_path": "",
        "headers": [kind, *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }


class Upload:
    """An endless upload in chunks, which says how much of it was taken."""

    def __init__(self) -> None:
        self.taken = 0

    async def __call__(self) -> dict[str, Any]:
        start = b'--x\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n\r\n'
        body = (start if not self.taken else b"") + b"\0" * CHUNK
        self.taken += len(body)
        return {"type": "http.request", "body": body, "more_body": True}


def answer(app: Any, given: dict[str, Any], receive: Any) -> tuple[int, dict[str, str], bytes]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(given, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(one.get("body", b"") for one in sent[1:])


@pytest.fixture
def app(model, backend: HereBackend):
    return http_app(small_recipe(model, limits={"max_body_bytes": 4 * CHUNK}), backend)


def test_a_chunked_body_is_cut_off_at_the_cap(app):
    upload = Upload()
    status, headers, body = answer(app, scope((b"transfer-encoding", b"chunked")), upload)
    assert status == 413 and json.loads(body)["error"]["code"] == "too_large"
    assert upload.taken < 6 * CHUNK, "the rest was never asked for"
    assert headers["connection"] == "close" and "content-security-policy" in headers


def test_a_declared_length_above_the_cap_is_refused_unread(app):
    upload = Upload()
    status, _, body = answer(app, scope((b"content-length", b"99999999")), upload)
    assert status == 413 and upload.taken == 0
    assert "0.25 MiB" in json.loads(body)["error"]["message"]


def test_a_declared_length_that_lies_is_counted_all_the_same(app):
    upload = Upload()
    status, _, _ = answer(app, scope((b"content-length", b"100")), upload)
    assert status == 413 and upload.taken < 6 * CHUNK


def test_an_upload_that_never_ends_meets_the_deadline(model, backend: HereBackend):
    limits = {"timeout_s": 0.2, "max_body_bytes": 4 << 20}
    app = http_app(small_recipe(model, limits=limits), backend)

    async def never() -> dict[str, Any]:
        await asyncio.sleep(30)
        raise AssertionError

    status, _, body = answer(app, scope(), never)
    assert status == 504 and json.loads(body)["error"]["code"] == "timeout"


def test_a_failure_inside_is_a_500_that_tells_no_secret():
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise KeyError("a secret of the inside")

    status, headers, body = answer(
        RequestGuard(broken, 5, ServingMetrics(), OpenRequests()), scope(), None
    )
    assert status == 500 and b"secret" not in body
    assert json.loads(body)["error"]["code"] == "internal"
    assert headers["x-request-id"] == json.loads(body)["error"]["request_id"]


def test_every_refusal_has_a_status_of_its_kind():
    assert Refusal("busy", "x", 3).headers == {"Retry-After": "3"}
    assert Refusal("unauthorised", "x").headers == {"WWW-Authenticate": "Bearer"}


def test_closing_waits_for_open_requests_and_refuses_new_ones():
    open_requests, order = OpenRequests(), []

    async def run() -> list[int]:
        leave = asyncio.Event()

        async def slow(scope: Any, receive: Any, send: Any) -> None:
            await leave.wait()
            order.append("answered")
            await send({"type": "http.response.start", "status": 200, "headers": []})

        guard, statuses = RequestGuard(slow, 60, ServingMetrics(), open_requests), []

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        inside = asyncio.create_task(guard(scope(), None, send))
        await asyncio.sleep(0)
        closing = asyncio.create_task(open_requests.close(60))
        await asyncio.sleep(0)
        await guard(scope(), None, send)
        assert open_requests.count == 1 and not closing.done()
        leave.set()
        await closing
        order.append("closed")
        await inside
        return statuses

    assert asyncio.run(run()) == [503, 200]
    assert order == ["answered", "closed"]


@pytest.mark.parametrize(("problem", "code"), [(None, "timeout"), (KeyError("why"), "internal")])
def test_a_stream_that_cannot_go_on_ends_with_an_error_event(problem, code):
    """Past its deadline, or where the inside fails: its status has been said already."""
    sent: list[dict[str, Any]] = []

    async def telling(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"event: place", "more_body": True})
        if problem:
            raise problem
        await asyncio.sleep(30)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(RequestGuard(telling, 0.1, ServingMetrics(), OpenRequests())(scope(), None, send))
    event, data = sent[-1]["body"].decode().strip().split("\n")
    assert event == "event: error" and sent[-1]["more_body"] is False
    assert json.loads(data.removeprefix("data: "))["error"]["code"] == code


def test_a_stream_that_has_ended_gets_no_second_end():
    sent: list[dict[str, Any]] = []

    async def told(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"event: done", "more_body": False})
        await asyncio.sleep(30)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(RequestGuard(told, 0.1, ServingMetrics(), OpenRequests())(scope(), None, send))
    assert [one.get("body") for one in sent] == [None, b"event: done"]
