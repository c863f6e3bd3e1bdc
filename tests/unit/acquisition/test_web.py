"""Answers that go wrong: which are asked for again, and what the others are called."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from loopback_web import IMPATIENT, asked
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from benchmarks.loopback.faults import CutOff
from benchmarks.loopback.server import Loopback, serving
from georay.acquisition.download.limiter import RateLimiter, Window
from georay.acquisition.providers import AccessRefused, NoPicture, QuotaUsedUp

JPEG = b"\xff\xd8\xff" + bytes(2000)


class Scripted:
    """A server that gives the answers of a list, the last one for ever."""

    def __init__(self, *answers):
        self.answers, self.times, self.headers = list(answers), [], []
        self.application = Starlette(routes=[Route("/{rest:path}", self._next)])

    async def _next(self, request):
        self.times.append(time.monotonic())
        self.headers.append(request.headers)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer) and not isinstance(answer, Response):
            return await answer()
        return answer


def picture():
    return Response(JPEG, media_type="image/jpeg")


async def slow():
    await asyncio.sleep(5)
    return picture()


def get(script, what="picture", **changes):
    recipe = IMPATIENT.model_copy(update=changes)
    with serving(script) as base:
        return asked(lambda web: getattr(web, what)(f"{base}/x?y=1"), recipe)


@pytest.mark.parametrize(
    "first",
    [
        PlainTextResponse("no", 500),
        PlainTextResponse("no", 503),
        PlainTextResponse("no", 429),
        CutOff(JPEG, media_type="image/jpeg"),
    ],
)
def test_what_may_be_over_in_a_moment_is_asked_for_again(first):
    script = Scripted(first, picture())
    assert get(script) == JPEG
    assert len(script.times) == 2


def test_a_slow_answer_is_given_up_and_asked_for_again():
    script = Scripted(slow, picture())
    assert get(script, timeout_s=0.3) == JPEG


@pytest.mark.parametrize(
    ("answer", "kind", "tries"),
    [
        (PlainTextResponse("no", 500), "status 500", 3),
        (PlainTextResponse("no", 404), "no imagery", 1),
        (PlainTextResponse("no", 400), "status 400", 1),
        (PlainTextResponse("no", 403), "status 403", 1),
        (PlainTextResponse("a page", 200), "wrong type", 1),
        (Response(bytes(2 << 20), media_type="image/jpeg"), "too large", 1),
        (CutOff(JPEG, media_type="image/jpeg"), "connection", 3),
    ],
)
def test_what_stays_wrong_has_a_kind_and_a_sentence(answer, kind, tries):
    script = Scripted(answer)
    with pytest.raises(NoPicture) as problem:
        get(script)
    assert problem.value.kind == kind and str(problem.value)
    assert len(script.times) == tries


def test_json_that_is_none_is_asked_for_again():
    script = Scripted(PlainTextResponse("<html>"), JSONResponse({"a": 1}))
    assert get(script, "json") == {"a": 1}


def test_metadata_that_say_later_are_asked_for_again():
    script = Scripted(JSONResponse({"status": "OVER_QUERY_LIMIT"}), JSONResponse({"status": "OK"}))
    assert get(script, "json") == {"status": "OK"}


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_everything(status):
    with pytest.raises(AccessRefused, match="bad token"):
        get(Scripted(PlainTextResponse("bad token", status)), "json")


@pytest.mark.parametrize("is_date", [False, True])
def test_the_provider_says_when_to_come_back(is_date):
    until = datetime.now(UTC) + timedelta(seconds=2)
    after = format_datetime(until, usegmt=True) if is_date else "1"
    script = Scripted(PlainTextResponse("no", 429, headers={"Retry-After": after}), picture())
    get(script)
    assert script.times[1] - script.times[0] >= 0.9


def test_nobody_hears_a_key_but_the_one_it_is_for():
    script = Scripted(JSONResponse({}))
    with serving(script) as base:
        asked(lambda web: web.json(f"{base}/x", {"a": "b c"}, {"Authorization": "OAuth T"}))
        asked(lambda web: web.json(f"{base}/x"))
    assert [headers.get("authorization") for headers in script.headers] == ["OAuth T", None]


def test_without_quota_nothing_is_sent():
    class Closed(RateLimiter):
        async def enter(self, is_counted):
            return None

    script = Scripted(picture())
    with serving(script) as base, pytest.raises(QuotaUsedUp):
        asked(lambda web: web.picture(base), gate=Closed([Window(1, 1.0)], None))
    assert script.times == []


def test_the_server_of_the_benchmark_enforces_its_quota():
    loopback = Loopback(per_second=5)

    async def many(web):
        return await asyncio.gather(
            *(web.picture(f"{base}/mapillary/files/proc/{n}.jpg") for n in range(20)),
            return_exceptions=True,
        )

    with serving(loopback) as base:
        asked(many)
    assert loopback.ledgers["mapillary"].num_too_fast > 0


class Recording(RateLimiter):
    """A gate that remembers what it was told."""

    def __init__(self):
        super().__init__([Window(100, 1.0)], None)
        self.counted, self.waits = [], []

    async def enter(self, is_counted):
        self.counted.append(is_counted)
        return await super().enter(is_counted)

    async def refused(self, seconds):
        self.waits.append(seconds)


def test_the_gate_hears_what_counts_and_what_was_too_much():
    gate = Recording()
    script = Scripted(PlainTextResponse("no", 429, headers={"Retry-After": "0"}), picture())
    with serving(script) as base:
        asked(lambda web: web.picture(base), gate=gate)
    assert gate.waits == [IMPATIENT.backoff_s]
    with serving(Scripted(JSONResponse({}))) as base:
        asked(lambda web: web.json(base, free=True), gate=gate)
        asked(lambda web: web.json(base), gate=gate)
    assert gate.counted == [True, True, False, True]
