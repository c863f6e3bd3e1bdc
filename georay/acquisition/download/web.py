"""HTTP requests within the quota and the limits of size and time, retried where that may help."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx

from georay.acquisition.download.limiter import Gate
from georay.acquisition.providers.base import AccessRefused, Json, NoPicture, QuotaUsedUp
from georay.config.collect import RequestsRecipe

Answer = TypeVar("Answer")

NO_IMAGERY = "no imagery"
"""The kind of a place, or a direction, that has no picture: no failure."""

_MAX_JSON_BYTES = 8 << 20
_LONGEST_WAIT_S = 120.0
_MAX_REDIRECTS = 3
_MOMENTARY = frozenset({408, 425, 429, 500, 502, 503, 504})
_ABSENT = frozenset({404, 410})
_NOT_LET_IN = frozenset({401, 403})


@dataclass
class Sent:
    """Requests that were answered: for what is there, and for pictures; and tries that failed."""

    num_searches: int = 0
    num_pictures: int = 0
    num_again: int = 0


class _Momentary(Exception):
    """A failure that may be over in a moment. wait: seconds that the provider asked for."""

    def __init__(self, kind: str, detail: str, wait: float | None = None) -> None:
        super().__init__(detail)
        self.kind, self.wait = kind, wait


def http_client(recipe: RequestsRecipe, num_connections: int) -> httpx.AsyncClient:
    """A pool of connections that says who is asking."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(recipe.timeout_s),
        limits=httpx.Limits(max_connections=num_connections, keepalive_expiry=30),
        headers={"User-Agent": "georay"},
        follow_redirects=True,
        max_redirects=_MAX_REDIRECTS,
    )


class _Place:
    """A place behind the gate, given back once."""

    def __init__(self, gate: Gate, number: int) -> None:
        self._gate, self._number, self._is_held = gate, number, True

    @classmethod
    async def taken(cls, gate: Gate, is_counted: bool) -> "_Place":
        """Raises QuotaUsedUp if the day has no more."""
        number = await gate.enter(is_counted)
        if number is None:
            raise QuotaUsedUp("the quota of the day is used up")
        return cls(gate, number)

    async def give_back(self) -> None:
        if self._is_held:
            self._is_held = False
            await self._gate.answered(self._number)


class HttpWeb:
    """`providers.Web` over one pool of connections and one gate.

    is_busy: whether a JSON answer with status 200 says that one may ask again later.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        gate: Gate,
        recipe: RequestsRecipe,
        is_busy: Callable[[Json], bool],
    ) -> None:
        self._client, self._gate, self._recipe = client, gate, recipe
        self._is_busy = is_busy
        self.sent = Sent()

    async def json(
        self,
        url: str,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        free: bool = False,
    ) -> Json:
        async def ask() -> Json:
            async with self._answer(url, params, headers, is_counted=not free) as response:
                self.sent.num_searches += 1
                if response.status_code in _NOT_LET_IN:
                    raise AccessRefused(await _refusal(response))
                self._check(response, "status 404")
                answer = _parsed(await _body(response, _MAX_JSON_BYTES))
            if self._is_busy(answer):
                raise _Momentary("busy", "the provider asks to come back later")
            return answer

        return await self._tried(ask)

    async def picture(self, url: str) -> bytes:
        async def ask() -> bytes:
            async with self._answer(url, None, None, is_counted=True) as response:
                self.sent.num_pictures += 1
                self._check(response, NO_IMAGERY)
                kind = response.headers.get("content-type", "").partition(";")[0].strip()
                if not kind.startswith("image/"):
                    raise NoPicture("wrong type", f"the answer is {kind or 'of no type'}")
                return await _body(response, self._recipe.max_bytes)

        return await self._tried(ask)

    async def _tried(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        for attempt in range(1, self._recipe.tries + 1):
            try:
                return await ask()
            except _Momentary as problem:
                if attempt == self._recipe.tries:
                    raise NoPicture(problem.kind, f"{problem}; tried {attempt} times") from problem
                self.sent.num_again += 1
                await asyncio.sleep(self._pause(attempt, problem.wait))
        raise AssertionError("unreachable: the loop returns or raises")

    def _pause(self, attempt: int, asked_for: float | None) -> float:
        """What the provider asked for, or twice as long as before; varied, so that not all return
        at one moment."""
        usual = self._recipe.backoff_s * 2 ** (attempt - 1)
        return min(max(asked_for or 0.0, usual) * random.uniform(1.0, 1.5), _LONGEST_WAIT_S)

    @asynccontextmanager
    async def _answer(
        self,
        url: str,
        params: dict[str, str] | None,
        headers: dict[str, str] | None,
        is_counted: bool,
    ) -> AsyncIterator[httpx.Response]:
        place = await _Place.taken(self._gate, is_counted)
        try:
            async with asyncio.timeout(self._recipe.timeout_s):
                request = self._client.stream("GET", url, params=params, headers=headers)
                async with request as response:
                    await place.give_back()
                    if response.status_code == 429:
                        await self._gate.refused(_retry_after(response) or self._recipe.backoff_s)
                    yield response
        except (TimeoutError, httpx.TimeoutException):
            raise _Momentary("timeout", f"no answer in {self._recipe.timeout_s:g} s") from None
        except (httpx.TransportError, httpx.TooManyRedirects) as problem:
            detail = str(problem) or type(problem).__name__
            raise _Momentary("connection", f"the connection broke: {detail}") from problem
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as problem:
            raise NoPicture("strange answer", f"no usable address: {problem}") from problem
        finally:
            await place.give_back()

    def _check(self, response: httpx.Response, absent: str) -> None:
        status = response.status_code
        if status in _MOMENTARY:
            raise _Momentary(f"status {status}", f"status {status}", _retry_after(response))
        if status in _ABSENT:
            raise NoPicture(absent, f"status {status}")
        if status != 200:
            raise NoPicture(f"status {status}", f"status {status}")


async def _body(response: httpx.Response, limit: int) -> bytes:
    """The whole body. Raises NoPicture as soon as it is seen to be larger than `limit`."""
    read = bytearray()
    async for piece in response.aiter_bytes():
        read += piece
        if len(read) > limit:
            raise NoPicture("too large", f"more than {limit:,} bytes (max_bytes)")
    return bytes(read)


async def _refusal(response: httpx.Response) -> str:
    said = (await _body(response, _MAX_JSON_BYTES)).decode("utf-8", "replace").strip()
    return f"the provider refuses the key (status {response.status_code}): {said[:200]}"


def _parsed(body: bytes) -> Json:
    try:
        return json.loads(body)
    except ValueError:
        raise _Momentary("strange answer", "the answer is no JSON") from None


def _retry_after(response: httpx.Response) -> float | None:
    """The seconds of a Retry-After header, which may also be a date; None if there is none."""
    text = response.headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((until - datetime.now(UTC)).total_seconds(), 0.0)
