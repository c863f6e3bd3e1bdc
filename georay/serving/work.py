"""What a model replica does, without Ray: decode, read clues, answer batches, notice death."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from PIL import Image

from georay.config.serve import ServeRecipe
from georay.core.images import ImageLimits, decode
from georay.core.prompts import Conversation
from georay.errors import UnreadableImage
from georay.models.apart import together_or_apart
from georay.models.families.base import Exchange
from georay.models.locations import Location
from georay.models.threads import use_one_core
from georay.serving.batches import batch_slots, passes
from georay.serving.clues import CluesReader
from georay.serving.engine import Engine, Located, Said, load_engine
from georay.serving.jobs import ChatJob, ChatOptions, Clues, LocateJob, LocateOptions, Share

Result = TypeVar("Result")
Answer = Located | Said

_SHORTEST_SIDE = 1024  # a JPEG is decoded no larger than models and segmenters look at
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ready:
    """A job whose pictures are decoded; `since`: when it began to wait for a batch."""

    job: LocateJob | ChatJob
    pictures: tuple[Image.Image, ...]
    since: float

    @property
    def options(self) -> LocateOptions | ChatOptions:
        return self.job.options

    @property
    def slots(self) -> int:
        return self.job.slots


@dataclass(frozen=True)
class Answered:
    """An answer with its share of a batch, or the problem that this job had."""

    answer: Answer | None
    problem: Exception | None
    share: Share


@dataclass(frozen=True)
class _Waiting:
    """A job and who waits for its answer."""

    ready: Ready
    answered: "asyncio.Future[Answered]"


class Worker:
    """One engine and its threads: for decoding, clues, and the model, which never share one."""

    def __init__(
        self,
        recipe: ServeRecipe,
        engine: Engine,
        clues: CluesReader,
        answering: ThreadPoolExecutor | None = None,
    ) -> None:
        """answering: the model's thread, where it exists already; see `load`."""
        self.engine = engine
        self._clues = clues
        self._limits = ImageLimits(recipe.limits.max_pixels, recipe.limits.max_body_bytes)
        self._health = recipe.replicas
        self._decoding = ThreadPoolExecutor(1, "decode")
        self._reading = ThreadPoolExecutor(1, "clues", initializer=use_one_core)
        # A model here is asked by the thread that loaded it; an endpoint by as many as it may be.
        if answering is None or engine.passes > 1:
            answering = ThreadPoolExecutor(engine.passes, "model")
        self._answering = answering
        self._under_way: set[asyncio.Task[None]] = set()
        self._alive_at = float("-inf")
        self._size, self._wait_s = recipe.batching.max_batch_size, recipe.batching.wait_s
        self._line: list[_Waiting] = []
        self._came = asyncio.Event()
        self._turns: asyncio.Task[None] | None = None

    @classmethod
    def load(cls, recipe: ServeRecipe) -> Self:
        """Loads what the recipe names; raises what `load_engine` and `CluesReader` raise.

        All of it in the thread that will ask the model. Where two threads compute on several
        cores, OpenMP lets each sleep between its small steps, and a word takes twice as long.
        """
        answering = ThreadPoolExecutor(1, "model")
        engine = answering.submit(load_engine, recipe).result()
        clues = answering.submit(CluesReader, recipe.clues).result()
        return cls(recipe, engine, clues, answering)

    async def decode(self, raws: Sequence[bytes]) -> tuple[tuple[Image.Image, ...], float]:
        """Pictures and the milliseconds they took. Raises UnreadableImage for the first bad one."""
        return await self._decoded(raws, lambda _width, _height: None)

    async def decode_for_model(
        self, raws: Sequence[bytes]
    ) -> tuple[tuple[Image.Image, ...], float]:
        """As `decode`. Raises UnreadableImage also for a picture that the model does not take."""
        return await self._decoded(raws, self.engine.refusal_of)

    async def _decoded(
        self, raws: Sequence[bytes], refusal_of: Callable[[int, int], str | None]
    ) -> tuple[tuple[Image.Image, ...], float]:
        started = time.perf_counter()

        def one(raw: bytes) -> Image.Image:
            picture = decode(raw, self._limits, _SHORTEST_SIDE).image
            if refusal := refusal_of(*picture.size):
                raise UnreadableImage("not for the model", refusal)
            return picture

        def work() -> tuple[Image.Image, ...]:
            pictures: list[Image.Image] = []
            for raw in raws:
                try:
                    pictures.append(one(raw))
                except UnreadableImage as problem:
                    named = f"picture {len(pictures) + 1}: {problem}" if len(raws) > 1 else problem
                    raise UnreadableImage(problem.kind, str(named)) from None
            return tuple(pictures)

        pictures = await _in(self._decoding, work)
        return pictures, _milliseconds(started)

    async def clues(self, picture: Image.Image, overlay: bool) -> Clues:
        """The picture's locatability."""
        return await _in(self._reading, lambda: self._clues.read(picture, overlay))

    async def answer(self, batch: Sequence[Ready]) -> list[Answered]:
        """One answer per job, in order; a job that cannot be answered costs no other.

        Ray Serve makes its batches as jobs come, also while the model is busy, and then they are
        small. So all that waits when the model is free is answered together, after a moment in
        which those who were just answered may ask again. An endpoint is free while it has fewer
        batches than it takes at a time.
        """
        loop = asyncio.get_running_loop()
        waiting = [_Waiting(ready, loop.create_future()) for ready in batch]
        self._line += waiting
        self._came.set()
        if self._turns is None or self._turns.done():
            self._came = asyncio.Event()
            self._turns = loop.create_task(self._take_turns())
        return list(await asyncio.gather(*(one.answered for one in waiting)))

    async def answer_aloud(
        self,
        ready: Ready,
        on_place: Callable[[Location], None],
        on_reasons: Callable[[str], None],
    ) -> Answered:
        """One located picture, told while it comes about, in the model's thread."""
        options = ready.options
        assert isinstance(options, LocateOptions)

        def work() -> Answered:
            began = time.perf_counter()
            located = self.engine.locate_aloud(ready.pictures[0], options, on_place, on_reasons)
            self._alive_at = time.monotonic()
            return Answered(located, None, _share(ready, began, 1, True, located))

        return await _in(self._answering, work)

    async def check(self) -> None:
        """Raises RuntimeError where the model does not answer in time, or not sanely.

        A model that answered within the last period is not asked again.
        """
        if time.monotonic() - self._alive_at < self._health.health_period_s:
            return
        seconds = 0.9 * self._health.health_timeout_s
        try:
            async with asyncio.timeout(seconds):
                await _in(self._answering, self.engine.check)
        except TimeoutError:
            raise RuntimeError(f"the model gave no sign of life for {seconds:.0f} s") from None
        self._alive_at = time.monotonic()

    async def _take_turns(self) -> None:
        while True:
            if len(self._under_way) >= self.engine.passes:
                await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
            batch = self._next_batch() if await self._filled() else []
            if not batch:
                return
            self._under_way.add(asyncio.create_task(self._turn(batch)))

    async def _turn(self, batch: Sequence[_Waiting]) -> None:
        jobs = [one.ready for one in batch]
        try:
            answers = await _in(self._answering, self._answer, jobs)
        except Exception as problem:  # whoever waits must hear of it
            answers = [Answered(None, problem, Share()) for _ in batch]
        finally:
            self._under_way.remove(_current())
        for one, answered in zip(batch, answers, strict=True):
            if not one.answered.done():
                one.answered.set_result(answered)

    async def _filled(self) -> bool:
        """Waits a moment for a whole batch; whether anyone waits then."""
        try:
            async with asyncio.timeout(self._wait_s):
                while self._line and batch_slots([one.ready for one in self._line]) < self._size:
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            pass
        return bool(self._line)

    def _next_batch(self) -> list[_Waiting]:
        """Of those who still wait, the first that fit into a batch; at least one of them."""
        line = [one for one in self._line if not one.answered.done()]
        number = min(1, len(line))
        while number < len(line) and self._fits([one.ready for one in line[: number + 1]]):
            number += 1
        self._line = line[number:]
        return line[:number]

    def _fits(self, batch: Sequence[Ready]) -> bool:
        return batch_slots(batch) <= self._size

    def _answer(self, batch: Sequence[Ready]) -> list[Answered]:
        began = time.perf_counter()
        done: dict[int, Answered] = {}
        for positions in passes(batch):
            members = [batch[position] for position in positions]
            for position, found in zip(positions, self._pass(members), strict=True):
                problem = found if isinstance(found, Exception) else None
                answer = None if isinstance(found, Exception) else found
                share = _share(batch[position], began, len(batch), position == 0, answer)
                done[position] = Answered(answer, problem, share)
        return [done[position] for position in range(len(batch))]

    def _pass(self, members: Sequence[Ready]) -> list[Answer | Exception]:
        """One pass of the model; where it fails, each of the jobs by itself."""
        found = together_or_apart(self._ask, members)
        problems = [one for one in found if isinstance(one, Exception)]
        # A model that answered nobody is asked at the next health check.
        self._alive_at = float("-inf") if len(problems) == len(found) else time.monotonic()
        for problem in problems:
            _log.error("a job of %d failed", len(members), exc_info=problem)
        return found

    def _ask(self, members: Sequence[Ready]) -> Sequence[Answer]:
        options = members[0].options
        if isinstance(options, LocateOptions):
            return self.engine.locate([one.pictures[0] for one in members], options)
        return self.engine.chat([_exchange(one) for one in members], options)


def _current() -> asyncio.Task[None]:
    task = asyncio.current_task()
    assert task is not None, "only called by tasks"
    return task


def _exchange(ready: Ready) -> Exchange:
    assert isinstance(ready.job, ChatJob)
    conversation = Conversation(ready.job.question, num_images=len(ready.pictures))
    return Exchange(ready.pictures, conversation)


def _share(ready: Ready, began: float, size: int, first: bool, answer: Answer | None) -> Share:
    return Share(
        batch_size=size,
        first=first,
        num_tokens=answer.num_tokens if answer else 0,
        queue_ms=(began - ready.since) * 1000,
    )


def timed(share: Share, started: float, decode_ms: float) -> Share:
    """The share with what the whole took in this process, since `started`."""
    return replace(share, decode_ms=decode_ms, total_ms=_milliseconds(started))


async def _in(thread: ThreadPoolExecutor, work: Callable[..., Result], *given: object) -> Result:
    return await asyncio.get_running_loop().run_in_executor(thread, work, *given)


def _milliseconds(started: float) -> float:
    return (time.perf_counter() - started) * 1000
