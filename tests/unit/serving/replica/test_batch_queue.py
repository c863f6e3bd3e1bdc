"""Batches form while the model works: full ones under load, and nobody waits for those who left."""

import asyncio
import threading

import pytest

from georay.config.serve import BatchingRecipe
from georay.serving.messages import LocateOptions
from georay.serving.replica.batch_queue import BatchQueue

FAST = LocateOptions(top_k=1, reasons=False)


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


@pytest.fixture
def held(backend, monkeypatch) -> Held:
    holding = Held(backend.engine.locate)
    monkeypatch.setattr(backend.engine, "locate", holding)
    return holding


def test_what_waits_while_the_model_is_busy_is_answered_together(threads, decoded, held):
    """In at most a batch's size, and without those who went away meanwhile."""
    queue = BatchQueue(threads.answer, 1, BatchingRecipe())

    async def ask() -> None:
        asking = [asyncio.create_task(queue.answer(decoded(FAST)))]
        await held.begun()
        asking += [asyncio.create_task(queue.answer(decoded(FAST))) for _ in range(19)]
        await asyncio.sleep(0)  # all of them are waiting now
        asking.pop().cancel()
        await asyncio.sleep(0)
        held.end()
        answers = await asyncio.gather(*asking)
        assert len(answers) == 19 and all(one.reply is not None for one in answers)

    asyncio.run(ask())
    assert held.sizes == [1, 16, 2]


def test_those_who_were_just_answered_share_the_next_batch(threads, decoded, held):
    queue = BatchQueue(threads.answer, 1, BatchingRecipe(max_batch_size=4, wait_s=1.0))

    async def client() -> list[int]:
        return [(await queue.answer(decoded(FAST))).stats.batch_size for _ in range(2)]

    async def four() -> list[list[int]]:
        early = [asyncio.create_task(client()) for _ in range(2)]
        await held.begun()  # two are being answered
        late = [asyncio.create_task(client()) for _ in range(2)]
        await asyncio.sleep(0)
        held.end()
        return list(await asyncio.gather(*early, *late))

    assert asyncio.run(four())[0] == [2, 4]


def test_a_batch_that_breaks_as_a_whole_is_told_to_each_of_its_jobs(decoded):
    async def broken(_: object) -> None:
        raise OSError("no thread left")

    async def ask():
        queue = BatchQueue(broken, 1, BatchingRecipe())
        return await asyncio.gather(*(queue.answer(decoded(FAST)) for _ in range(3)))

    answers = asyncio.run(ask())
    assert [type(one.problem) for one in answers] == [OSError] * 3
