"""Asks an engine in threads of its own, and notices where it no longer answers."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from georay.config.serve import ReplicasRecipe
from georay.core.prompts import Conversation
from georay.models.apart import together_or_apart
from georay.models.families.base import Exchange
from georay.models.locations import Location
from georay.serving.messages import AnswerStats, ChatJob, LocateOptions
from georay.serving.replica.batch_sizes import passes
from georay.serving.replica.engines.base import Engine
from georay.serving.replica.jobs import DecodedJob, JobAnswer, Reply
from georay.serving.replica.threads import run_in

_log = logging.getLogger(__name__)


class EngineThreads:
    """An engine behind the threads that may call it.

    A local model is asked by the thread that loaded it; an endpoint by as many threads as it takes
    batches at a time.
    """

    def __init__(self, engine: Engine, loader: ThreadPoolExecutor, health: ReplicasRecipe) -> None:
        """loader: the one thread that loaded the engine."""
        several = engine.max_batches > 1
        self._threads = ThreadPoolExecutor(engine.max_batches, "model") if several else loader
        self._engine = engine
        self._health = health
        self._answered_at = float("-inf")

    async def answer(self, batch: Sequence[DecodedJob]) -> list[JobAnswer]:
        """One answer per job, in order; a job that cannot be answered costs no other."""
        return await run_in(self._threads, self._answer, batch)

    async def answer_stream(
        self,
        job: DecodedJob,
        on_place: Callable[[Location], None],
        on_reasons: Callable[[str], None],
    ) -> JobAnswer:
        """The answer to one picture; calls back from the model's thread while it is written."""
        options = job.options
        assert isinstance(options, LocateOptions)

        def work() -> JobAnswer:
            began = time.perf_counter()
            reply = self._engine.locate_stream(job.pictures[0], options, on_place, on_reasons)
            self._answered_at = time.monotonic()
            return JobAnswer(reply, None, _stats(job, began, 1, True, reply))

        return await run_in(self._threads, work)

    async def check(self) -> None:
        """Raises RuntimeError where the model does not answer in time, or not sanely.

        A model that answered within the last period is not asked again.
        """
        if time.monotonic() - self._answered_at < self._health.health_period_s:
            return
        seconds = 0.9 * self._health.health_timeout_s
        try:
            async with asyncio.timeout(seconds):
                await run_in(self._threads, self._engine.check)
        except TimeoutError:
            raise RuntimeError(f"the model gave no sign of life for {seconds:.0f} s") from None
        self._answered_at = time.monotonic()

    def _answer(self, batch: Sequence[DecodedJob]) -> list[JobAnswer]:
        began = time.perf_counter()
        done: dict[int, JobAnswer] = {}
        for positions in passes(batch):
            members = [batch[position] for position in positions]
            for position, found in zip(positions, self._pass(members), strict=True):
                problem = found if isinstance(found, Exception) else None
                reply = None if isinstance(found, Exception) else found
                stats = _stats(batch[position], began, len(batch), position == 0, reply)
                done[position] = JobAnswer(reply, problem, stats)
        return [done[position] for position in range(len(batch))]

    def _pass(self, members: Sequence[DecodedJob]) -> list[Reply | Exception]:
        """One pass of the model; where it fails, each of the jobs by itself."""
        found = together_or_apart(self._ask, members)
        problems = [one for one in found if isinstance(one, Exception)]
        # A model that failed with every job is asked at the next health check.
        self._answered_at = float("-inf") if len(problems) == len(found) else time.monotonic()
        for problem in problems:
            _log.error("a job of %d failed", len(members), exc_info=problem)
        return found

    def _ask(self, members: Sequence[DecodedJob]) -> Sequence[Reply]:
        options = members[0].options
        if isinstance(options, LocateOptions):
            return self._engine.locate([one.pictures[0] for one in members], options)
        return self._engine.chat([_exchange(one) for one in members], options)


def _exchange(one: DecodedJob) -> Exchange:
    assert isinstance(one.job, ChatJob)
    return Exchange(one.pictures, Conversation(one.job.question, num_images=len(one.pictures)))


def _stats(
    job: DecodedJob, began: float, batch_size: int, first: bool, reply: Reply | None
) -> AnswerStats:
    return AnswerStats(
        batch_size=batch_size,
        first=first,
        num_tokens=reply.num_tokens if reply else 0,
        queue_ms=(began - job.since) * 1000,
    )
