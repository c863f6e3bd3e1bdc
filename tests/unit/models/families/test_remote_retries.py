"""When a remote model is asked again, after which wait, and when that ends."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from misbehaving_endpoint import Act, Asked, Endpoint, failed, said
from remote_room import QUICK, ask, exchange, model


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 529])
def test_transient_errors_are_tried_again(endpoint: Endpoint, status: int) -> None:
    endpoint.script = lambda number, _: failed(status, "busy") if number < 2 else said("at last")
    reply = ask(endpoint)
    assert (reply.text, reply.num_attempts) == ("at last", 3)


def test_an_endpoint_that_stays_broken_becomes_an_error_after_the_last_attempt(
    endpoint: Endpoint,
) -> None:
    endpoint.script = lambda number, _: failed(503, "down for the night")
    reply = ask(endpoint)
    assert reply.text is None
    assert reply.error == "HTTP 503: down for the night"
    assert reply.num_attempts == len(endpoint.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_question_that_is_wrong_is_not_asked_twice(endpoint: Endpoint, status: int) -> None:
    endpoint.script = lambda number, _: failed(status, "wrong")
    assert ask(endpoint).error == f"HTTP {status}: wrong"
    assert len(endpoint.asked) == 1


def test_an_empty_purse_is_not_asked_twice(endpoint: Endpoint) -> None:
    endpoint.script = lambda number, _: failed(429, "pay first", "insufficient_quota")
    assert ask(endpoint).error == "HTTP 429: pay first"
    assert len(endpoint.asked) == 1


def test_retry_after_in_seconds_is_waited_for(endpoint: Endpoint) -> None:
    endpoint.script = lambda n, _: failed(429, "slow", Retry_After="1") if n == 0 else said("ok")
    assert ask(endpoint).text == "ok"
    assert endpoint.asked[1].at - endpoint.asked[0].at >= 1.0


def test_retry_after_as_a_date_is_waited_for(endpoint: Endpoint) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=2.2), usegmt=True)
    endpoint.script = lambda n, _: failed(503, "slow", Retry_After=date) if n == 0 else said("ok")
    assert ask(endpoint).text == "ok"
    assert endpoint.asked[1].at - endpoint.asked[0].at >= 0.8  # HTTP dates have whole seconds


def test_retry_after_holds_back_the_other_questions_too(endpoint: Endpoint) -> None:
    def busy_then_slow(number: int, asked: Asked) -> Act:
        if number == 0:
            return failed(429, "slow", Retry_After="1")
        return Act(said("ok").send, wait_s=0.1 if number == 1 else 0.0)

    endpoint.script = busy_then_slow
    replies = model(endpoint, max_concurrency=2).answer([exchange()] * 3, QUICK)
    assert [reply.text for reply in replies] == ["ok"] * 3
    # The third question finds a free place after 0.1 s, and waits with the first.
    assert endpoint.asked[2].at - endpoint.asked[0].at >= 0.99


@pytest.mark.parametrize("value", ["3600", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_a_wait_longer_than_allowed_is_an_error_at_once(endpoint: Endpoint, value: str) -> None:
    endpoint.script = lambda number, _: failed(429, "come back later", Retry_After=value)
    reply = ask(endpoint)
    assert "come back later (asks to wait" in (reply.error or "")
    assert reply.num_attempts == 1


@pytest.mark.parametrize("value", ["soon", "", "-5", "1e9", "Wed, 99 Foo 2099"])
def test_an_unreadable_retry_after_falls_back_to_the_usual_wait(
    endpoint: Endpoint, value: str
) -> None:
    endpoint.script = lambda n, _: failed(429, "slow", Retry_After=value) if n == 0 else said("ok")
    assert ask(endpoint).text == "ok"


def test_waits_grow_and_differ(endpoint: Endpoint) -> None:
    """Full jitter: each wait is random below a bound that doubles up to `max_wait_s`."""
    from georay.models.families.remote_wire import Failure

    patient = model(endpoint, first_wait_s=1.0, max_wait_s=6.0)
    busy = Failure("busy", transient=True)
    waits = {n: [patient._wait_s(n, busy) for _ in range(300)] for n in (1, 2, 3, 9)}
    for attempt, bound in ((1, 1.0), (2, 2.0), (3, 4.0), (9, 6.0)):
        assert 0.8 * bound < max(waits[attempt]) <= bound
        assert len(set(waits[attempt])) > 250


def test_silence_is_a_timeout(endpoint: Endpoint) -> None:
    endpoint.script = lambda number, _: Act(said("too late").send, wait_s=2.0)
    reply = ask(endpoint, timeout_s=0.1, max_attempts=2)
    assert reply.error == "no answer within 0.1 s (timeout_s)"
    assert reply.num_attempts == 2


def test_a_trickle_of_bytes_cannot_outlast_the_timeout(endpoint: Endpoint) -> None:
    held = 60.0
    endpoint.script = lambda number, _: Act(said("never whole").send[:-10], hold_s=held)
    started = time.monotonic()
    reply = ask(endpoint, timeout_s=0.2, max_attempts=1)
    assert reply.error == "no answer within 0.2 s (timeout_s)"
    assert time.monotonic() - started < held, "the answer's end was waited for"


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "cut",
    [b"", b"HTTP/1.1 20", said("half").send[:-10], CHUNKED + b'20\r\n{"choices"', b"nonsense\r\n"],
    ids=["before-headers", "in-headers", "in-body", "in-chunk", "not-http"],
)
def test_a_line_that_breaks_is_tried_again_and_then_an_error(
    endpoint: Endpoint, cut: bytes
) -> None:
    endpoint.script = lambda number, _: Act(cut) if number == 0 else said("whole")
    assert ask(endpoint).text == "whole"
    endpoint.script = lambda number, _: Act(cut)
    reply = ask(endpoint)
    assert (reply.text, reply.num_attempts) == (None, 3)
    assert "failed: RemoteProtocolError" in (reply.error or "")


def test_nobody_listening_is_an_error(endpoint: Endpoint) -> None:
    gone = model(endpoint)
    endpoint.close()
    reply = gone.answer([exchange()], QUICK)[0]
    assert "ConnectError" in (reply.error or "")
    assert reply.num_attempts == 3
