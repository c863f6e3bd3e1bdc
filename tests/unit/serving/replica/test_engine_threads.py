"""What one job breaks costs no other of its batch, and a dead model is noticed."""

import asyncio
import threading

import pytest
from PIL import Image

from georay.serving.messages import LocateOptions

FAST, OTHER = LocateOptions(top_k=1, reasons=False), LocateOptions(top_k=2, reasons=False)


@pytest.fixture
def engine(backend):
    return backend.engine


def test_jobs_of_different_options_share_a_batch_and_keep_their_order(threads, decoded):
    answers = asyncio.run(threads.answer([decoded(FAST), decoded(OTHER), decoded(FAST)]))
    counts = [len(one.reply.location.candidates) for one in answers]
    assert counts == [1, 2, 1]
    assert [one.stats.batch_size for one in answers] == [3, 3, 3]
    assert sum(one.stats.first for one in answers) == 1
    assert all(one.stats.queue_ms >= 0 for one in answers)


def test_a_pass_that_fails_costs_only_its_own_jobs(threads, decoded, engine, monkeypatch):
    locate = engine.locate

    def failing(pictures, options):
        if options == OTHER:
            raise MemoryError("no room")
        return locate(pictures, options)

    monkeypatch.setattr(engine, "locate", failing)
    first, second = asyncio.run(threads.answer([decoded(FAST), decoded(OTHER)]))
    assert first.reply is not None and first.problem is None
    assert second.reply is None and isinstance(second.problem, MemoryError)


def test_a_job_that_breaks_a_pass_costs_no_other_of_the_pass(threads, decoded, engine, monkeypatch):
    """Those who share a pass are answered one by one where it fails; so is a live model known."""
    locate, sizes = engine.locate, []
    cursed = decoded(FAST, Image.new("RGB", (61, 61)))

    def failing(pictures, options):
        sizes.append(len(pictures))
        if any(one.size == (61, 61) for one in pictures):
            raise TypeError("half an emoji")
        return locate(pictures, options)

    monkeypatch.setattr(engine, "locate", failing)
    answers = asyncio.run(threads.answer([decoded(FAST), cursed, decoded(FAST)]))
    first, second, third = answers
    assert first.reply is not None and third.reply is not None
    assert first.problem is None and isinstance(second.problem, TypeError)
    assert sizes == [3, 1, 1, 1]
    asked = []
    monkeypatch.setattr(engine, "check", lambda: asked.append(1))
    asyncio.run(threads.check())
    assert asked == [], "it answered the others"


def test_a_live_model_is_asked_and_not_asked_again_at_once(threads, engine, monkeypatch):
    asked = []
    monkeypatch.setattr(engine, "check", lambda: asked.append(1))
    asyncio.run(threads.check())
    asyncio.run(threads.check())
    assert len(asked) == 1


def test_a_dead_model_is_noticed(threads, engine, monkeypatch):
    def dead() -> None:
        raise RuntimeError("device lost")

    monkeypatch.setattr(engine, "check", dead)
    with pytest.raises(RuntimeError, match="device lost"):
        asyncio.run(threads.check())


def test_a_hung_model_is_noticed_while_it_hangs(threads, engine, monkeypatch):
    released, came_back = threading.Event(), []

    def hang() -> None:
        released.wait(60)
        came_back.append(1)

    monkeypatch.setattr(engine, "check", hang)

    async def check() -> None:
        with pytest.raises(RuntimeError, match="no sign of life"):
            await threads.check()
        assert came_back == []
        released.set()

    asyncio.run(check())


def test_a_model_that_failed_is_asked_at_the_next_check(threads, decoded, engine, monkeypatch):
    asyncio.run(threads.answer([decoded(FAST)]))
    asked = []
    monkeypatch.setattr(engine, "check", lambda: asked.append(1))
    asyncio.run(threads.check())
    assert asked == [], "it has just answered"

    def failing(*_: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(engine, "locate", failing)
    asyncio.run(threads.answer([decoded(FAST)]))
    asyncio.run(threads.check())
    assert asked == [1]
