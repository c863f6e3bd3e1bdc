"""Limits requests per second over all workers, in the order in which they came.

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
"""A request without an answer for so long is counted as answered: its worker is gone."""

_AHEAD_S = 0.5
"""How long before it is free a place is given away."""

_LOOK_S = 0.5
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

    A place that will be free in a moment is given away at once, with the seconds to wait, so that
    the way of this word to the worker costs nothing. first_wait: seconds during which nothing is
    let go, for what an earlier process sent.
    """

    def __init__(
        self, windows: Sequence[Window], day: DayQuota | None, first_wait: float = 0.0
    ) -> None:
        self._windows = [_Places(window) for window in windows]
        self._day = day
        self._next_at = time.monotonic() + first_wait
        self._spacing = _SPACING * max(one.seconds / one.places for one in windows)
        self._refusals = 0
        self._numbers = itertools.count()
        self._turn = asyncio.Lock()  # its waiters are served in order

    async def enter(self, is_counted: bool) -> int | None:
        reserved = await self.reserve(is_counted)
        if reserved is None:
            return None
        place, seconds = reserved
        await wait_out(seconds)
        return place

    async def reserve(self, is_counted: bool) -> tuple[int, float] | None:
        """As `Gate.enter`, for one who waits himself: the place, and for how many seconds."""
        async with self._turn:
            at = self._next_at
            for window in self._windows:
                at = max(at, await window.next_free())
            await wait_out(at - time.monotonic() - _AHEAD_S)
            if is_counted and self._day is not None and not self._day.take():
                return None
            at = max(at, self._next_at, time.monotonic())
            place = next(self._numbers)
            for window in self._windows:
                window.take(place, at)
            self._next_at = at + self._spacing
            return place, at - time.monotonic()

    async def answered(self, place: int) -> None:
        self._refusals = 0
        for window in self._windows:
            window.answered(place)

    async def refused(self, seconds: float) -> None:
        self._refusals += 1
        if self._refusals >= REFUSALS_THAT_STOP_ALL:
            self._next_at = max(self._next_at, time.monotonic() + seconds)


async def wait_out(seconds: float) -> None:
    """Sleeps no moment less: event loops round their timers."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        await asyncio.sleep(left)


class _Places:
    """The places of one window, by when they are free, and the requests that hold the others."""

    def __init__(self, window: Window) -> None:
        self._seconds = window.seconds
        self._free_at = [0.0] * window.places
        self._on_their_way: dict[int, float] = {}
        self._changed = asyncio.Event()

    async def next_free(self) -> float:
        """When the next place is free; waits until that is known."""
        while not self._free_at:
            self._changed.clear()
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._changed.wait()
            except TimeoutError:
                self._take_back_lost_ones()
        return self._free_at[0]

    def take(self, place: int, at: float) -> None:
        heapq.heappop(self._free_at)
        self._on_their_way[place] = at

    def answered(self, place: int) -> None:
        if self._on_their_way.pop(place, None) is not None:
            heapq.heappush(self._free_at, time.monotonic() + self._seconds)
            self._changed.set()

    def _take_back_lost_ones(self) -> None:
        long_ago = time.monotonic() - LOST_AFTER_S
        for place in [one for one, at in self._on_their_way.items() if at < long_ago]:
            self.answered(place)
