"""Load on a server, and what came of every request: clients that wait, or arrivals that do not."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import httpx

PATIENCE_S = 180.0  # far beyond any deadline of a server: who waits longer hangs


@dataclass(frozen=True)
class Asked:
    """One request. sent_s: since the load began.

    status: 0 where no HTTP answer came, for the reason in `problem`.
    """

    sent_s: float
    seconds: float
    status: int
    problem: str = ""
    retry_after: str = ""

    @property
    def ended_s(self) -> float:
        return self.sent_s + self.seconds


class Load:
    """Requests to /v1/locate, one picture each, in turn from a list; each that was sent is kept."""

    def __init__(self, address: str, pictures: Sequence[bytes], fields: dict[str, str]) -> None:
        self.asked: list[Asked] = []
        self.num_open = 0
        self._url = f"{address}/v1/locate"
        self._requests = [_encoded(self._url, picture, fields) for picture in pictures]
        self._began = time.perf_counter()
        self._next = 0
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=256)
        self._client = httpx.AsyncClient(timeout=PATIENCE_S, limits=limits)

    async def __aenter__(self) -> "Load":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    def now(self) -> float:
        """Seconds since the load began."""
        return time.perf_counter() - self._began

    async def one(self) -> Asked:
        """Sends one request and waits for what comes of it."""
        body, headers = self._requests[self._next % len(self._requests)]
        self._next += 1
        self.num_open += 1
        sent = self.now()
        try:
            response = await self._client.post(self._url, content=body, headers=headers)
            again = response.headers.get("retry-after", "")
            asked = Asked(sent, self.now() - sent, response.status_code, retry_after=again)
        except httpx.HTTPError as problem:
            asked = Asked(sent, self.now() - sent, 0, type(problem).__name__)
        finally:
            self.num_open -= 1
        self.asked.append(asked)
        return asked

    async def clients(self, number: int, seconds: float) -> None:
        """A closed loop: each client asks, waits for the answer, and asks again, for this long."""
        until = self.now() + seconds
        await asyncio.gather(*(self.client(lambda: self.now() < until) for _ in range(number)))

    async def client(self, goes_on: Callable[[], bool]) -> None:
        """One client of a closed loop; refused, it comes back when it is told to."""
        while goes_on():
            asked = await self.one()
            if asked.retry_after:
                await asyncio.sleep(float(asked.retry_after))

    async def arrivals(self, per_second: float, seconds: float, seed: int) -> None:
        """Poisson arrivals: nobody waits for the answer to another's request. Returns after all."""
        dice = random.Random(seed)
        begun, due = [], self.now()
        until = due + seconds
        while (due := due + dice.expovariate(per_second)) < until:
            await asyncio.sleep(max(0.0, due - self.now()))
            begun.append(asyncio.create_task(self.one()))
        await asyncio.gather(*begun)


def _encoded(url: str, picture: bytes, fields: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """A form's body and headers, made before the load so that making them takes no time from it."""
    files = [("images", ("scene.jpg", picture, "image/jpeg"))]
    made = httpx.Request("POST", url, files=files, data=fields)
    return made.read(), {"Content-Type": made.headers["Content-Type"]}


def answered_between(asked: Iterable[Asked], start_s: float, end_s: float) -> list[Asked]:
    """Requests whose answer came in this window."""
    return [one for one in asked if start_s <= one.ended_s < end_s]


def statuses(asked: Iterable[Asked]) -> dict[str, int]:
    """How many of each status; what got no HTTP answer under its problem's name."""
    return dict(sorted(Counter(str(one.status or one.problem) for one in asked).items()))


def latencies_ms(asked: Iterable[Asked]) -> dict[str, float]:
    """Percentiles and the maximum of the milliseconds that requests took; empty without any."""
    found = sorted(one.seconds * 1000 for one in asked)
    if not found:
        return {}
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {name: round(_at(found, share), 1) for name, share in shares.items()}


def _at(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of all does not exceed."""
    return values[min(len(values) - 1, max(0, -int(-share * len(values) // 1) - 1))]
