"""The deployment that holds a model: batches by Ray Serve, outcomes by `desk`, work by `work`."""

from collections.abc import AsyncIterator

from ray import serve

from georay.config.serve import ServeRecipe
from georay.serving.batches import batch_slots
from georay.serving.desk import Desk
from georay.serving.jobs import (
    ChatJob,
    ChatOutcome,
    CluesJob,
    CluesOutcome,
    LocateJob,
    LocateOutcome,
    ModelCard,
    Piece,
)
from georay.serving.work import Answered, Ready, Worker


class ModelReplica:
    """One loaded model behind a desk; Ray Serve makes the batches and watches its health."""

    def __init__(self, recipe: ServeRecipe) -> None:
        """Loads the model; raises what `Worker.load` raises."""
        self._worker = self._loaded(recipe)
        self._desk = Desk(self._worker, self._answer_batch)
        self._answer_batch.set_max_batch_size(recipe.batching.max_batch_size)

    def _loaded(self, recipe: ServeRecipe) -> Worker:
        return Worker.load(recipe)

    async def card(self) -> ModelCard:
        """The model that answers."""
        return await self._desk.card()

    async def locate(self, job: LocateJob) -> LocateOutcome:
        """See `Desk.locate`."""
        return await self._desk.locate(job)

    async def locate_aloud(self, job: LocateJob) -> AsyncIterator[Piece]:
        """See `Desk.locate_aloud`."""
        async for piece in self._desk.locate_aloud(job):
            yield piece

    async def clues(self, job: CluesJob) -> CluesOutcome:
        """See `Desk.clues`."""
        return await self._desk.clues(job)

    async def chat(self, job: ChatJob) -> ChatOutcome:
        """See `Desk.chat`."""
        return await self._desk.chat(job)

    async def check_health(self) -> None:
        """What Ray Serve calls: raises where the model is dead, and the replica is replaced."""
        await self._worker.check()

    @serve.batch(
        max_batch_size=8,
        batch_wait_timeout_s=0,
        max_concurrent_batches=64,  # the worker joins those that wait for the model
        batch_size_fn=batch_slots,
    )
    async def _answer_batch(self, batch: list[Ready]) -> list[Answered]:
        return await self._worker.answer(batch)
