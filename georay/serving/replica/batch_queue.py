"""The queue of a replica: the jobs that wait while the model works become its next batch.

Ray Serve's own `serve.batch` is not used. It closes a batch when the jobs come, also while the
model is busy, so batches stay small under load: those closed early wait, and may not grow. Here a
batch is closed when the model is free. The queue also weighs jobs by their length and drops those
whose caller has gone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from georay.config.serve import BatchingRecipe
from georay.serving.messages import AnswerStats
from georay.serving.replica.batch_sizes import num_slots
from georay.serving.replica.jobs import DecodedJob, JobAnswer


@dataclass(frozen=True)
class _Waiting:
    """A job, and the future that its caller awaits."""

    job: DecodedJob
    answer: "asyncio.Future[JobAnswer]"


class BatchQueue:
    """Answers jobs in batches, which form while others are being answered."""

    def __init__(
        self,
        answer: Callable[[Sequence[DecodedJob]], Awaitable[list[JobAnswer]]],
        max_batches: int,
        batching: BatchingRecipe,
    ) -> None:
        """answer: one answer per job, in order. max_batches: how many it takes at a time."""
        self._answer = answer
        self._max_batches = max_batches
        self._size, self._wait_s = batching.max_batch_size, batching.wait_s
        self._waiting: list[_Waiting] = []
        self._batches: set[asyncio.Task[None]] = set()
        self._arrived = asyncio.Event()
        self._forming: asyncio.Task[None] | None = None

    async def answer(self, job: DecodedJob) -> JobAnswer:
        """The answer to one job, made together with others that wait for the model."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(job, loop.create_future())
        self._waiting.append(waiting)
        self._arrived.set()
        if self._forming is None or self._forming.done():
            self._arrived = asyncio.Event()
            self._forming = loop.create_task(self._form_batches())
        return await waiting.answer

    async def _form_batches(self) -> None:
        """Runs while jobs wait: a batch each time the model is free.

        First it waits a moment, in which those who were just answered may ask again.
        """
        while True:
            if len(self._batches) >= self._max_batches:
                await asyncio.wait(self._batches, return_when=asyncio.FIRST_COMPLETED)
            await self._filled()
            batch = self._next_batch()
            if not batch:
                return
            self._batches.add(asyncio.create_task(self._run(batch)))

    async def _filled(self) -> None:
        """Waits until the jobs fill a batch, or a moment at most."""
        try:
            async with asyncio.timeout(self._wait_s):
                while self._waiting and num_slots(_jobs(self._waiting)) < self._size:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            pass

    def _next_batch(self) -> list[_Waiting]:
        """The first of those who still wait that fit into a batch; at least one of them."""
        waiting = [one for one in self._waiting if not one.answer.done()]
        number = min(1, len(waiting))
        while number < len(waiting) and num_slots(_jobs(waiting[: number + 1])) <= self._size:
            number += 1
        self._waiting = waiting[number:]
        return waiting[:number]

    async def _run(self, batch: Sequence[_Waiting]) -> None:
        try:
            answers = await self._answer(_jobs(batch))
        except Exception as problem:  # every caller must learn of it
            answers = [JobAnswer(None, problem, AnswerStats()) for _ in batch]
        finally:
            self._batches.remove(_current_task())
        for one, answer in zip(batch, answers, strict=True):
            if not one.answer.done():
                one.answer.set_result(answer)


def _jobs(waiting: Sequence[_Waiting]) -> list[DecodedJob]:
    return [one.job for one in waiting]


def _current_task() -> asyncio.Task[None]:
    task = asyncio.current_task()
    assert task is not None, "only called by tasks"
    return task
