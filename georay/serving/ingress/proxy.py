"""Closes connections whose request headers do not come in time, in Ray Serve's proxy.

The listening is done by Ray Serve's proxy, with uvicorn, which waits for headers for ever, and
neither offers a setting. `in_the_proxy` is the callback that a proxy calls before it listens, where
the environment names it; there it puts uvicorn's protocol under a deadline.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.middleware import Middleware
from uvicorn.protocols.http import auto

from georay.runtime.environment import environment

CALLBACK = "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH"
SECONDS = "GEORAY_HEADERS_TIMEOUT_S"
_USUAL_S = 60.0
_LATE = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n"
    b"x-content-type-options: nosniff\r\n\r\n"
)


@contextmanager
def header_deadline(seconds: float) -> Iterator[None]:
    """Gives the proxies of Ray processes that start within a deadline for a request's headers.

    A callback that the user has named stays.
    """
    if CALLBACK in os.environ:
        yield
        return
    ours = {CALLBACK: f"{__name__}:{in_the_proxy.__name__}", SECONDS: str(seconds)}
    with environment(ours):
        yield


def in_the_proxy() -> list[Middleware]:
    """Puts the protocol under its deadline; adds no middleware."""
    seconds = float(os.environ.get(SECONDS, _USUAL_S))
    protocol: Any = auto
    protocol.AutoHTTPProtocol = with_header_deadline(auto.AutoHTTPProtocol, seconds)
    return []


def with_header_deadline(
    protocol: type[asyncio.Protocol], seconds: float
) -> type[asyncio.Protocol]:
    """A uvicorn protocol whose connections close where headers take longer than so many seconds.

    The time runs from the connection, or from the first byte of a later request.
    """
    base: Any = protocol

    class ProtocolWithDeadline(base):  # type: ignore[misc]
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._late: asyncio.TimerHandle | None = None
            self._has_begun = False
            self._wait()

        def data_received(self, data: bytes) -> None:
            before = self.cycle  # uvicorn makes another one when a request's headers are whole
            self._has_begun = True
            super().data_received(data)
            if self.cycle is not before:
                self._stop_waiting()
            elif before is not None and before.response_complete:
                self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            super().connection_lost(exc)

        def _wait(self) -> None:
            if self._late is None:
                self._late = self.loop.call_later(seconds, self._hang_up)

        def _stop_waiting(self) -> None:
            if self._late is not None:
                self._late.cancel()
            self._late, self._has_begun = None, False

        def _hang_up(self) -> None:
            if not self.transport.is_closing():
                if self._has_begun:  # a browser opens some ahead and sends nothing: no answer
                    self.transport.write(_LATE)
                self.transport.close()

    return ProtocolWithDeadline
