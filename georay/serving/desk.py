"""From a job to its outcome, whoever makes batches of the jobs: decode, answer, measure, tell."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from georay.errors import UnreadableImage
from georay.models.locations import Location
from georay.serving.engine import Located, Said
from georay.serving.jobs import (
    ChatJob,
    ChatOutcome,
    Clues,
    CluesJob,
    CluesOutcome,
    LocateJob,
    LocateOutcome,
    ModelCard,
    Piece,
    Share,
)
from georay.serving.work import Answered, Ready, Worker, timed


class Desk:
    """Takes encoded pictures and gives outcomes: what a picture or an endpoint did wrong is data,
    and only a model that fails is an exception."""

    def __init__(self, worker: Worker, batched: Callable[[Ready], Awaitable[Answered]]) -> None:
        """batched: answers a job together with others that come at the same time."""
        self._worker = worker
        self._batched = batched

    async def card(self) -> ModelCard:
        """The model that answers."""
        return self._worker.engine.card

    async def locate(self, job: LocateJob) -> LocateOutcome:
        """Where a picture was taken, and how much it gives away."""
        started = time.perf_counter()
        card = self._worker.engine.card
        try:
            pictures, decode_ms = await self._worker.decode_for_model([job.raw])
        except UnreadableImage as problem:
            return LocateOutcome(card, unreadable=str(problem))
        ready = Ready(job, pictures, time.perf_counter())
        answered, clues = await asyncio.gather(self._batched(ready), self._clues(ready))
        located = _answer_of(answered)
        assert isinstance(located, Located)
        share = timed(answered.share, started, decode_ms)
        return LocateOutcome(card, located.location, clues=clues, share=share)

    async def locate_aloud(self, job: LocateJob) -> AsyncIterator[Piece]:
        """As `locate`, in pieces: the place, its reasons as they are written, the outcome."""
        started = time.perf_counter()
        card = self._worker.engine.card
        try:
            pictures, decode_ms = await self._worker.decode_for_model([job.raw])
        except UnreadableImage as problem:
            yield Piece("done", outcome=LocateOutcome(card, unreadable=str(problem)))
            return
        ready = Ready(job, pictures, time.perf_counter())
        clues = asyncio.create_task(self._clues(ready))
        heard: asyncio.Queue[Piece | Answered] = asyncio.Queue()
        answering = asyncio.create_task(self._tell(ready, card, heard))
        while isinstance(said := await heard.get(), Piece):
            yield said
        await answering
        located = _answer_of(said)
        assert isinstance(located, Located)
        share = timed(said.share, started, decode_ms)
        outcome = LocateOutcome(card, located.location, clues=await clues, share=share)
        yield Piece("done", outcome=outcome)

    async def clues(self, job: CluesJob) -> CluesOutcome:
        """A picture's locatability alone; no model is asked."""
        try:
            (picture,), decode_ms = await self._worker.decode([job.raw])
        except UnreadableImage as problem:
            return CluesOutcome(unreadable=str(problem))
        found = await self._worker.clues(picture, job.overlay)
        return CluesOutcome(found, decode_ms=decode_ms)

    async def chat(self, job: ChatJob) -> ChatOutcome:
        """The answer to a question about pictures."""
        started = time.perf_counter()
        card = self._worker.engine.card
        try:
            pictures, decode_ms = await self._worker.decode_for_model(job.raws)
        except UnreadableImage as problem:
            return ChatOutcome(card, unreadable=str(problem))
        answered = await self._batched(Ready(job, pictures, time.perf_counter()))
        said = _answer_of(answered)
        assert isinstance(said, Said)
        return ChatOutcome(
            card,
            text=said.text,
            error=said.error,
            finish_reason="length" if said.num_tokens >= job.options.max_new_tokens else "stop",
            num_prompt_tokens=said.num_prompt_tokens,
            share=timed(answered.share, started, decode_ms),
        )

    async def _clues(self, ready: Ready) -> Clues | None:
        job = ready.job
        if not isinstance(job, LocateJob) or not job.clues:
            return None
        return await self._worker.clues(ready.pictures[0], job.overlay)

    async def _tell(
        self, ready: Ready, card: ModelCard, heard: "asyncio.Queue[Piece | Answered]"
    ) -> None:
        """Puts what the model's thread says into a queue of this loop, the answer last."""
        loop = asyncio.get_running_loop()

        def tell(piece: Piece) -> None:
            loop.call_soon_threadsafe(heard.put_nowait, piece)

        def place(location: Location) -> None:
            tell(Piece("place", outcome=LocateOutcome(card, location)))

        def reasons(text: str) -> None:
            tell(Piece("reasons", text))

        try:
            answered = await self._worker.answer_aloud(ready, place, reasons)
        except Exception as problem:  # whoever waits at the queue must hear of it
            answered = Answered(None, problem, Share())
        heard.put_nowait(answered)


def _answer_of(answered: Answered) -> Located | Said:
    """The answer; raises RuntimeError, without the problem's details, where the pass failed."""
    if answered.answer is None:
        kind = type(answered.problem).__name__
        raise RuntimeError(f"the model failed ({kind}); the replica's log says why")
    return answered.answer
