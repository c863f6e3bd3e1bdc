"""A replica of the model: takes encoded pictures and gives outcomes.

Ray Serve makes it a deployment (`serving.app`); the class itself knows nothing of Ray.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from georay.config.serve import ServeRecipe
from georay.core.images import ImageLimits
from georay.errors import UnreadableImage
from georay.models.locations import Location
from georay.models.threads import use_one_core
from georay.serving.messages import (
    AnswerStats,
    ChatJob,
    ChatOutcome,
    Locatability,
    LocatabilityJob,
    LocatabilityOutcome,
    LocateJob,
    LocateOutcome,
    ModelCard,
    StreamPart,
)
from georay.serving.replica.batch_queue import BatchQueue
from georay.serving.replica.batch_sizes import SlotCounter
from georay.serving.replica.decoding import Decoder
from georay.serving.replica.engine_threads import EngineThreads
from georay.serving.replica.engines.base import ChatReply, Engine, LocateReply
from georay.serving.replica.engines.load import load_engine
from georay.serving.replica.jobs import DecodedJob, JobAnswer, Reply
from georay.serving.replica.locatability import LocatabilityReader
from georay.serving.replica.threads import run_in


class ModelReplica:
    """One loaded model. A picture or an endpoint at fault is told in the outcome; only a model
    that fails is an exception.
    """

    def __init__(self, recipe: ServeRecipe) -> None:
        """Loads the model; raises what `load_engine` and `LocatabilityReader` raise.

        All of it in the thread that will ask the model. Where two threads compute on several
        cores, OpenMP lets each sleep between its small steps, and a word takes twice as long.
        """
        loader = ThreadPoolExecutor(1, "model")
        self.engine = loader.submit(self._load_engine, recipe).result()
        self._reader = loader.submit(LocatabilityReader, recipe.locatability).result()
        self._reading = ThreadPoolExecutor(1, "locatability", initializer=use_one_core)
        self._decoder = Decoder(ImageLimits(recipe.limits.max_pixels, recipe.limits.max_body_bytes))
        self._model = EngineThreads(self.engine, loader, recipe.replicas)
        self._queue = BatchQueue(self._model.answer, self.engine.max_batches, recipe.batching)
        self._slots = SlotCounter(recipe)
        self._max_new_tokens = recipe.answers.max_new_tokens

    def _load_engine(self, recipe: ServeRecipe) -> Engine:
        return load_engine(recipe)

    async def card(self) -> ModelCard:
        """The model that answers."""
        return self.engine.card

    async def check_health(self) -> None:
        """What Ray Serve calls: raises where the model is dead, and the replica is replaced."""
        await self._model.check()

    async def locate(self, job: LocateJob) -> LocateOutcome:
        """Where a picture was taken, and its locatability."""
        started = time.perf_counter()
        try:
            decoded, decode_ms = await self._decoded(job, (job.raw,), self._max_new_tokens)
        except UnreadableImage as problem:
            return LocateOutcome(self.engine.card, unreadable=str(problem))
        answer, locatability = await asyncio.gather(
            self._queue.answer(decoded), self._locatability_of(job, decoded.pictures[0])
        )
        return self._located(answer, answer.timed(started, decode_ms), locatability)

    async def locate_stream(self, job: LocateJob) -> AsyncIterator[StreamPart]:
        """As `locate`, in parts: the place, its reasons as they are written, the outcome."""
        started = time.perf_counter()
        card = self.engine.card
        try:
            decoded, decode_ms = await self._decoded(job, (job.raw,), self._max_new_tokens)
        except UnreadableImage as problem:
            yield StreamPart("done", outcome=LocateOutcome(card, unreadable=str(problem)))
            return
        locatability = asyncio.create_task(self._locatability_of(job, decoded.pictures[0]))
        parts: asyncio.Queue[StreamPart | JobAnswer] = asyncio.Queue()
        answering = asyncio.create_task(self._answer_into(parts, decoded))
        while isinstance(part := await parts.get(), StreamPart):
            yield part
        await answering
        outcome = self._located(part, part.timed(started, decode_ms), await locatability)
        yield StreamPart("done", outcome=outcome)

    async def locatability(self, job: LocatabilityJob) -> LocatabilityOutcome:
        """A picture's locatability alone; no model is asked."""
        try:
            (picture,), decode_ms = await self._decoder.decode([job.raw])
        except UnreadableImage as problem:
            return LocatabilityOutcome(unreadable=str(problem))
        found = await run_in(self._reading, self._reader.read, picture, job.overlay)
        return LocatabilityOutcome(found, decode_ms=decode_ms)

    async def chat(self, job: ChatJob) -> ChatOutcome:
        """The answer to a question about pictures."""
        started = time.perf_counter()
        card = self.engine.card
        try:
            decoded, decode_ms = await self._decoded(job, job.raws, job.options.max_new_tokens)
        except UnreadableImage as problem:
            return ChatOutcome(card, unreadable=str(problem))
        answer = await self._queue.answer(decoded)
        reply = _reply_of(answer)
        assert isinstance(reply, ChatReply)
        return ChatOutcome(
            card,
            text=reply.text,
            error=reply.error,
            finish_reason="length" if reply.num_tokens >= job.options.max_new_tokens else "stop",
            num_prompt_tokens=reply.num_prompt_tokens,
            stats=answer.timed(started, decode_ms),
        )

    async def _decoded(
        self, job: LocateJob | ChatJob, raws: tuple[bytes, ...], num_answer_tokens: int
    ) -> tuple[DecodedJob, float]:
        """The job with its pictures, and the milliseconds they took. Raises UnreadableImage."""
        pictures, decode_ms = await self._decoder.decode(raws, self.engine.refusal_of)
        num_slots = self._slots.count([one.size for one in pictures], num_answer_tokens)
        return DecodedJob(job, pictures, num_slots, time.perf_counter()), decode_ms

    async def _locatability_of(self, job: LocateJob, picture: Image.Image) -> Locatability | None:
        if not job.locatability:
            return None
        return await run_in(self._reading, self._reader.read, picture, job.overlay)

    async def _answer_into(
        self, parts: "asyncio.Queue[StreamPart | JobAnswer]", decoded: DecodedJob
    ) -> None:
        """Puts the parts that the model's thread gives into this loop's queue, the answer last."""
        loop = asyncio.get_running_loop()
        card = self.engine.card

        def put(part: StreamPart) -> None:
            loop.call_soon_threadsafe(parts.put_nowait, part)

        def on_place(location: Location) -> None:
            put(StreamPart("place", outcome=LocateOutcome(card, location)))

        def on_reasons(text: str) -> None:
            put(StreamPart("reasons", text))

        try:
            answer = await self._model.answer_stream(decoded, on_place, on_reasons)
        except Exception as problem:  # the caller, who waits at the queue, must learn of it
            answer = JobAnswer(None, problem, AnswerStats())
        parts.put_nowait(answer)

    def _located(
        self, answer: JobAnswer, stats: AnswerStats, locatability: Locatability | None
    ) -> LocateOutcome:
        reply = _reply_of(answer)
        assert isinstance(reply, LocateReply)
        return LocateOutcome(
            self.engine.card, reply.location, locatability=locatability, stats=stats
        )


def _reply_of(answer: JobAnswer) -> Reply:
    """The reply; raises RuntimeError, without the problem's details, where the pass failed."""
    if answer.reply is None:
        kind = type(answer.problem).__name__
        raise RuntimeError(f"the model failed ({kind}); the replica's log says why")
    return answer.reply
