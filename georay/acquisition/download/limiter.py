"""How many requests may be on their way: one limiter for all workers, never exceeded, and fair.

A window of one second that the server counts must not hold more requests than allowed, however long
each was on its way. So a request takes its place when it is let go, and gives it back a window's
length after its answer began: at whatever moment between the two the server counted it.
"""

import asyncio
import heapq
import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from georay.acquisition.download.day_quota import DayQuota
from georay.config.collect import QuotaRecipe

LOST_AFTER_S = 120.0
"""A request of which nothing was heard for so long is counted as answered: its worker is gone."""

_SPACING = 0.9
"""Of the mean time between requests: they go evenly, and may catch up a little."""

REFUSALS_THAT_STOP_ALL = 3
"""So many answers 429 in a row, and everyone waits; a single one is waited out by its request."""


class Gate(Protocol):
    """What a worker sees of the limiter."""

    async def enter(self, is_counted: bool) -> int | None:
        """Waits for a place and returns its number; None once the quota of the day is used up.

        is_counted: whether the request counts to that quota.
        """

    async def answered(self, place: int) -> None:
        """The answer to a request began, or there will be none."""

    async def refused(self, seconds: float) -> None:
        """The provider said that it was too much, and to wait so long."""


@dataclass(frozen=True)
class Window:
    """At most `places` requests in any `seconds`."""

    places: int
    seconds: float


def windows_of(quota: QuotaRecipe) -> list[Window]:
    """The windows of a recipe; less than one request a second is one in a longer window."""
    if quota.per_second >= 1:
        windows = [Window(math.floor(quota.per_second), 1.0)]
    else:
        windows = [Window(1, 1 / quota.per_second)]
    if quota.per_minute is not None:
        windows.append(Window(quota.per_minute, 60.0))
    return windows


class RateLimiter:
    """Lets requests go in the order in which they came, as `Gate` describes.

    first_wait: seconds during which nothing is let go, for what an earlier process sent.
    """

    def __init__(
        self, windows: Sequence[Window], day: DayQuota | None, first_wait: float = 0.0
    ) -> None:
        self._windows = [_Places(window) for window in windows]
        self._day = day
        self._closed_until = time.monotonic() + first_wait
        self._spacing = _SPACING * max(one.seconds / one.places for one in windows)
        self._next_at = 0.0
        self._refusals = 0
        self._numbers = itertools.count()
        self._turn = asyncio.Lock()  # its waiters are served in order

    async def enter(self, is_counted: bool) -> int | None:
        async with self._turn:
            while (wait := max(self._closed_until, self._next_at) - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            for window in self._windows:
                await window.wait_for_one()
            if is_counted and self._day is not None and not self._day.take():
                return None
            self._next_at = time.monotonic() + self._spacing
            place = next(self._numbers)
            for window in self._windows:
                window.take(place)
            return place

    async def answered(self, place: int) -> None:
        self._refusals = 0
        for window in self._windows:
            window.answered(place)

    async def refused(self, seconds: float) -> None:
        self._refusals += 1
        if self._refusals >= REFUSALS_THAT_STOP_ALL:
            self._closed_until = max(self._closed_until, time.monotonic() + seconds)


class _Places:
    """The places of one window, each taken by a request that may still be in it."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._on_their_way: dict[int, float] = {}
        self._free_at: list[float] = []
        self._changed = asyncio.Event()

    def take(self, place: int) -> None:
        self._on_their_way[place] = time.monotonic()

    def answered(self, place: int) -> None:
        if self._on_their_way.pop(place, None) is not None:
            heapq.heappush(self._free_at, time.monotonic() + self._window.seconds)
            self._changed.set()

    async def wait_for_one(self) -> None:
        while not self._has_one():
            self._changed.clear()
            next_free = self._free_at[0] if self._free_at else time.monotonic() + 1.0
            try:
                async with asyncio.timeout(max(next_free - time.monotonic(), 0)):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _has_one(self) -> bool:
        now = time.monotonic()
        while self._free_at and self._free_at[0] <= now:
            heapq.heappop(self._free_at)
        if len(self._on_their_way) >= self._window.places:
            for place in [p for p, at in self._on_their_way.items() if now - at > LOST_AFTER_S]:
                self.answered(place)
        return len(self._on_their_way) + len(self._free_at) < self._window.places
