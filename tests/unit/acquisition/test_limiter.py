"""Quotas: never exceeded as the server counts, fair, and those of a day kept in a file."""

import asyncio
import json
import random
import time
from bisect import bisect_right
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from georay.acquisition.download import limiter as limiter_module
from georay.acquisition.download.day_quota import DayQuota
from georay.acquisition.download.limiter import RateLimiter, Window, windows_of
from georay.config.collect import QuotaRecipe


def most_in(times, seconds):
    times = sorted(times)
    return max(at + 1 - bisect_right(times, moment - seconds) for at, moment in enumerate(times))


def arrivals(limiter, number, longest_way):
    """When the requests arrive at a server, each after a way of its own."""
    dice, times = random.Random(1), []

    async def one():
        place = await limiter.enter(True)
        if place is None:
            return
        await asyncio.sleep(dice.uniform(0, longest_way))
        times.append(time.monotonic())
        await asyncio.sleep(dice.uniform(0, longest_way))
        await limiter.answered(place)

    async def all_of_them():
        await asyncio.gather(*(one() for _ in range(number)))

    asyncio.run(all_of_them())
    return times


@pytest.mark.parametrize("longest_way", [0.0, 0.02, 0.2])
def test_no_window_ever_holds_more_than_it_may(longest_way):
    limiter = RateLimiter([Window(10, 0.3), Window(25, 1.0)], None)
    times = arrivals(limiter, 60, longest_way)
    assert len(times) == 60
    assert most_in(times, 0.3) <= 10
    assert most_in(times, 1.0) <= 25


def test_places_of_lost_requests_come_back(monkeypatch):
    monkeypatch.setattr(limiter_module, "LOST_AFTER_S", 0.1)
    limiter = RateLimiter([Window(1, 0.05)], None)

    async def two():
        await limiter.enter(True)
        return await asyncio.wait_for(limiter.enter(True), 3)

    assert asyncio.run(two()) is not None


def test_requests_go_in_the_order_in_which_they_came():
    limiter, order = RateLimiter([Window(3, 0.05)], None), []

    async def one(number):
        place = await limiter.enter(True)
        order.append(number)
        await limiter.answered(place)

    async def all_of_them():
        await asyncio.gather(*(one(number) for number in range(20)))

    asyncio.run(all_of_them())
    assert order == list(range(20))


def test_one_refusal_stops_one_and_several_in_a_row_stop_all():
    limiter = RateLimiter([Window(100, 0.01)], None)

    async def seconds_after(refusals):
        for _ in range(refusals):
            await limiter.refused(0.3)
        started = time.monotonic()
        await limiter.answered(await limiter.enter(True))
        return time.monotonic() - started

    assert asyncio.run(seconds_after(2)) < 0.25
    assert asyncio.run(seconds_after(3)) >= 0.28


def test_the_first_request_waits_for_what_was_sent_before():
    async def wait():
        limiter = RateLimiter([Window(10, 1.0)], None, first_wait=0.2)
        started = time.monotonic()
        await limiter.enter(True)
        return time.monotonic() - started

    assert asyncio.run(wait()) >= 0.2


def test_windows_of_a_recipe():
    assert windows_of(QuotaRecipe(per_second=2.9)) == [Window(2, 1.0)]
    assert windows_of(QuotaRecipe(per_second=0.5, per_minute=20)) == [
        Window(1, 2.0),
        Window(20, 60.0),
    ]


class Calendar:
    def __init__(self):
        self.now = datetime(2026, 11, 30, 23, 0, tzinfo=ZoneInfo("UTC"))

    def __call__(self, zone):
        return self.now.astimezone(zone)


def quota(path, limit, calendar, zone="UTC"):
    return DayQuota(path / "day.json", limit, ZoneInfo(zone), calendar)


def test_a_day_has_its_limit_and_the_next_day_another(tmp_path):
    calendar = Calendar()
    day = quota(tmp_path, 5, calendar)
    assert [day.take() for _ in range(7)] == [True] * 5 + [False] * 2
    calendar.now += timedelta(hours=2)
    assert day.take()


def test_days_begin_in_the_zone_of_the_provider(tmp_path):
    calendar = Calendar()
    day = quota(tmp_path, 1, calendar, "America/Los_Angeles")
    assert day.take()
    calendar.now += timedelta(hours=2)  # another day in UTC, not there
    assert not day.take()


def test_killed_runs_never_count_too_little(tmp_path):
    calendar, taken = Calendar(), 0
    for _ in range(40):  # each a run that is killed after a few requests
        day = quota(tmp_path, 1000, calendar)
        taken += sum(day.take() for _ in range(33))
    assert taken <= 1000
    assert taken >= 1000 - 40 * 5, "a kill loses a block of 5 at most"
    assert json.loads((tmp_path / "day.json").read_text())["requests"] == 1000


def test_free_requests_do_not_count(tmp_path):
    limiter = RateLimiter([Window(100, 0.01)], quota(tmp_path, 1, Calendar()))

    async def ask():
        free = [await limiter.enter(False) for _ in range(3)]
        return free, await limiter.enter(True), await limiter.enter(True)

    free, first, second = asyncio.run(ask())
    assert None not in free and first is not None and second is None
