"""Middleware around every route: request ids, the deadline, API keys, and the limit of bytes."""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from georay.serving.ingress.limits import KeyRing, Rates
from georay.serving.ingress.metrics import ServingMetrics
from georay.serving.ingress.refusals import (
    EVENTS,
    Refusal,
    error_event,
    error_response,
    logged_failure,
)

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_REQUEST_ID = "x-request-id"
_LOOK_S = 0.05  # between two looks whether the last request has ended
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_OPEN = ("/v1/world", "/v1/samples")  # what the page shows before its first question

_log = logging.getLogger("georay.serving")


class _Response:
    """Sends the messages of a response, and remembers its status once it has begun."""

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self._send = send
        self._headers = headers
        self.status: int | None = None
        self.streams_events = False
        """Whether a response of server-sent events has begun and not ended."""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers[name] = value
            self.streams_events = headers.get("content-type", "").startswith(EVENTS)
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            self.streams_events = False
        await self._send(message)


class OpenRequests:
    """Counts the requests under way, and closes the server to new ones."""

    def __init__(self) -> None:
        self.count = 0
        self.is_closing = False

    async def close(self, patience_s: float) -> None:
        """Has every new request refused, and waits until those under way are answered."""
        self.is_closing = True
        deadline = time.monotonic() + patience_s
        while self.count and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK_S)


class RequestGuard:
    """Outermost: gives each request an id, a deadline, a line in the log, and safe headers."""

    def __init__(
        self, app: ASGIApp, timeout_s: float, metrics: ServingMetrics, open_requests: OpenRequests
    ) -> None:
        self._app = app
        self._timeout_s = timeout_s
        self._metrics = metrics
        self._open_requests = open_requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id, headers = _identified(scope)
        response = _Response(send, headers)
        if self._open_requests.is_closing:
            closing = Refusal("unavailable", "the server is stopping; try again later", 30)
            await self._refuse(closing, scope, receive, response)
            return
        self._open_requests.count += 1
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._app(scope, receive, response)
        except TimeoutError:
            message = f"no answer within {self._timeout_s:g} s; send fewer pictures, or try later"
            await self._refuse(Refusal("timeout", message), scope, receive, response)
        except Exception:
            await self._refuse(logged_failure(request_id), scope, receive, response)
        finally:
            self._open_requests.count -= 1
            seconds = time.perf_counter() - began
            self._note(scope, request_id, response.status or 499, seconds)

    async def _refuse(
        self, refusal: Refusal, scope: Scope, receive: Receive, response: _Response
    ) -> None:
        if response.status is None:
            await error_response(refusal, scope)(scope, receive, response)
        elif response.streams_events:
            last = error_event(refusal, scope)
            await response({"type": "http.response.body", "body": last, "more_body": False})

    def _note(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if scope.get("route") else "other"
        self._metrics.request_ended(route, method, status, seconds)
        _log.info("%s %s %s %d %.0f ms", request_id, method, route, status, seconds * 1000)


def _identified(scope: Scope) -> tuple[str, dict[str, str]]:
    """The request's id, and the headers that its response gets."""
    sent = Headers(scope=scope).get(_REQUEST_ID, "")
    request_id = sent if _SANE_ID.fullmatch(sent) else str(uuid.uuid4())
    scope.setdefault("state", {})["request_id"] = request_id
    headers = dict(SECURITY_HEADERS)
    if not sent:  # Ray Serve's proxy repeats what came, and a second one would contradict it
        headers[_REQUEST_ID] = request_id
    return request_id, headers


class HeadAsGet:
    """Answers HEAD as GET, without the body: probes and link checkers send it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_no_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, send_no_body)


class KeyCheck:
    """Refuses requests without an API key, or above its rate; a server without keys is open."""

    def __init__(self, app: ASGIApp, keys: KeyRing, rates: Rates) -> None:
        self._app = app
        self._keys = keys
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._admit(scope)
        except Refusal as refusal:
            await error_response(refusal, scope)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _admit(self, scope: Scope) -> None:
        """Raises Refusal for a request without a key, or with one that asks too often."""
        path: str = scope.get("path", "")
        asks = path.startswith("/v1/") and not path.startswith(_OPEN)
        guarded = asks or path == "/metrics"
        if not self._keys or not guarded or scope["type"] != "http":
            return
        key = self._keys.number_of(_presented(Headers(scope=scope)))
        if key is None:
            message = "this server needs an API key: send it as 'Authorization: Bearer KEY'"
            raise Refusal("unauthorised", message)
        if scope["method"] == "POST" and (wait_s := self._rates.wait_s(key)):
            message = f"this key asks too often; try again in {wait_s} s"
            raise Refusal("rate_limited", message, wait_s)


def _presented(headers: Headers) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")


class BodyLimit:
    """Refuses compressed bodies, and counts the bytes of others before anything reads them."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._by_its_headers(Headers(scope=scope))
        if refusal is not None:
            await error_response(refusal, scope)(scope, receive, send)
            return
        await self._app(scope, self._counting(receive), send)

    def _by_its_headers(self, headers: Headers) -> Refusal | None:
        """Why the body need not be read at all, if so."""
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            return self._refusal()
        coding = headers.get("content-encoding", "identity").strip().lower()
        if coding not in ("", "identity"):
            message = f"a body in Content-Encoding {coding[:40]} is not read: send it uncompressed"
            return Refusal("unsupported_type", message)
        return None

    def _counting(self, receive: Receive) -> Receive:
        num_bytes = 0

        async def receive_counted() -> Message:
            nonlocal num_bytes
            message = await receive()
            num_bytes += len(message.get("body", b""))
            if num_bytes > self._max_bytes:
                raise self._refusal()
            return message

        return receive_counted

    def _refusal(self) -> Refusal:
        mib = self._max_bytes / 2**20
        message = f"the request is larger than {mib:g} MiB; send fewer or smaller pictures"
        return Refusal("too_large", message)
