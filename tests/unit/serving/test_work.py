"""A replica's work: what one job breaks costs no other, and death is noticed."""

import asyncio
import threading
import time

import pytest
from locating_family import picture
from PIL import Image
from serving_parts import HereBackend, small_recipe, street

from georay.errors import UnreadableImage
from georay.serving.engine import load_engine
from georay.serving.jobs import LocateJob, LocateOptions
from georay.serving.work import Ready, Worker

FAST, OTHER = LocateOptions(top_k=1, reasons=False), LocateOptions(top_k=2, reasons=False)


def ready(options: LocateOptions = FAST) -> Ready:
    return Ready(LocateJob(b"", options), (picture(),), time.perf_counter())


@pytest.fixture
def worker(model, backend: HereBackend) -> Worker:
    """A worker of its own over the shared engine."""
    health = {"health_period_s": 30, "health_timeout_s": 1}
    recipe = small_recipe(model, replicas=health)
    return Worker(recipe, backend.worker.engine, backend.worker._clues)


def test_jobs_of_different_options_share_a_batch_and_keep_their_order(worker):
    answered = asyncio.run(worker.answer([ready(FAST), ready(OTHER), ready(FAST)]))
    counts = [len(one.answer.location.candidates) for one in answered]
    assert counts == [1, 2, 1]
    assert [one.share.batch_size for one in answered] == [3, 3, 3]
    assert sum(one.share.first for one in answered) == 1
    assert all(one.share.queue_ms >= 0 for one in answered)


def test_a_pass_that_fails_costs_only_its_own_jobs(worker, monkeypatch):
    locate = worker.engine.locate

    def failing(pictures, options):
        if options == OTHER:
            raise MemoryError("no room")
        return locate(pictures, options)

    monkeypatch.setattr(worker.engine, "locate", failing)
    first, second = asyncio.run(worker.answer([ready(FAST), ready(OTHER)]))
    assert first.answer is not None and first.problem is None
    assert second.answer is None and isinstance(second.problem, MemoryError)


def test_a_job_that_breaks_a_pass_costs_no_other_of_the_pass(worker, monkeypatch):
    """Those who share a pass are answered one by one where it fails; so is a live model known."""
    locate, sizes = worker.engine.locate, []
    cursed = Ready(LocateJob(b"", FAST), (Image.new("RGB", (61, 61)),), time.perf_counter())

    def failing(pictures, options):
        sizes.append(len(pictures))
        if any(one.size == (61, 61) for one in pictures):
            raise TypeError("half an emoji")
        return locate(pictures, options)

    monkeypatch.setattr(worker.engine, "locate", failing)
    first, second, third = asyncio.run(worker.answer([ready(), cursed, ready()]))
    assert first.answer is not None and third.answer is not None
    assert first.problem is None and isinstance(second.problem, TypeError)
    assert sizes == [3, 1, 1, 1]
    asked = []
    monkeypatch.setattr(worker.engine, "check", lambda: asked.append(1))
    asyncio.run(worker.check())
    assert asked == [], "it answered the others"


def test_a_broken_picture_says_why(worker):
    with pytest.raises(UnreadableImage):
        asyncio.run(worker.decode([street()[:500]]))


def test_a_live_model_is_asked_and_not_asked_again_at_once(worker, monkeypatch):
    asked = []
    monkeypatch.setattr(worker.engine, "check", lambda: asked.append(1))
    asyncio.run(worker.check())
    asyncio.run(worker.check())
    assert len(asked) == 1


def test_a_dead_model_is_noticed(worker, monkeypatch):
    def dead() -> None:
        raise RuntimeError("device lost")

    monkeypatch.setattr(worker.engine, "check", dead)
    with pytest.raises(RuntimeError, match="device lost"):
        asyncio.run(worker.check())


def test_a_hung_model_is_noticed_while_it_hangs(worker, monkeypatch):
    released, came_back = threading.Event(), []

    def hang() -> None:
        released.wait(60)
        came_back.append(1)

    monkeypatch.setattr(worker.engine, "check", hang)

    async def check() -> None:
        with pytest.raises(RuntimeError, match="no sign of life"):
            await worker.check()
        assert came_back == []
        released.set()

    asyncio.run(check())


def test_a_model_that_failed_is_asked_at_the_next_check(worker, monkeypatch):
    asyncio.run(worker.answer([ready()]))
    asked = []
    monkeypatch.setattr(worker.engine, "check", lambda: asked.append(1))
    asyncio.run(worker.check())
    assert asked == [], "it has just answered"

    def failing(*_: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(worker.engine, "locate", failing)
    asyncio.run(worker.answer([ready()]))
    asyncio.run(worker.check())
    assert asked == [1]


class Held:
    """An engine's `locate` whose first pass does not end before it may; notes each pass's size."""

    def __init__(self, locate) -> None:
        self._locate = locate
        self._has_begun, self._may_end = threading.Event(), threading.Event()
        self.sizes: list[int] = []

    def __call__(self, pictures, options):
        self.sizes.append(len(pictures))
        self._has_begun.set()
        assert self._may_end.wait(60)
        return self._locate(pictures, options)

    async def begun(self) -> None:
        assert await asyncio.to_thread(self._has_begun.wait, 60)

    def end(self) -> None:
        self._may_end.set()


def test_what_waits_while_the_model_is_busy_is_answered_together(worker, monkeypatch):
    """In at most a batch's size, and without those who went away meanwhile."""
    held = Held(worker.engine.locate)
    monkeypatch.setattr(worker.engine, "locate", held)

    async def ask() -> None:
        asking = [asyncio.create_task(worker.answer([ready()]))]
        await held.begun()
        asking += [asyncio.create_task(worker.answer([ready()])) for _ in range(19)]
        await asyncio.sleep(0)  # all of them are waiting now
        asking.pop().cancel()
        await asyncio.sleep(0)
        held.end()
        answers = [one for some in await asyncio.gather(*asking) for one in some]
        assert len(answers) == 19 and all(one.answer is not None for one in answers)

    asyncio.run(ask())
    assert held.sizes == [1, 16, 2]


def test_the_model_is_loaded_in_the_thread_that_asks_it(model, monkeypatch):
    loaders = []

    def loading(recipe):
        loaders.append(threading.current_thread().name)
        return load_engine(recipe)

    monkeypatch.setattr("georay.serving.work.load_engine", loading)
    worker = Worker.load(small_recipe(model))
    (name,) = loaders
    assert name == worker._answering.submit(lambda: threading.current_thread().name).result()


def test_those_who_were_just_answered_share_the_next_batch(model, backend, monkeypatch):
    recipe = small_recipe(model, batching={"max_batch_size": 4, "wait_s": 1.0})
    worker = Worker(recipe, backend.worker.engine, backend.worker._clues)
    held = Held(worker.engine.locate)
    monkeypatch.setattr(worker.engine, "locate", held)

    async def client() -> list[int]:
        return [(await worker.answer([ready()]))[0].share.batch_size for _ in range(2)]

    async def four() -> list[list[int]]:
        early = [asyncio.create_task(client()) for _ in range(2)]
        await held.begun()  # two are being answered
        late = [asyncio.create_task(client()) for _ in range(2)]
        await asyncio.sleep(0)
        held.end()
        return list(await asyncio.gather(*early, *late))

    assert asyncio.run(four())[0] == [2, 4]
