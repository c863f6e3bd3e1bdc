"""The work behind the routes, without HTTP: check uploads, ask replicas, make answers."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from georay.config.serve import ServeRecipe
from georay.serving.ingress.limits import Picture, check_picture
from georay.serving.ingress.metrics import ServingMetrics
from georay.serving.ingress.refusals import Refusal
from georay.serving.ingress.results import (
    locatability_result,
    model_of,
    result_of,
    shown_name,
    unreadable,
)
from georay.serving.ingress.schemas import (
    LocatabilityAnswer,
    LocatabilityResult,
    LocateAnswer,
    LocateForm,
    Result,
)
from georay.serving.messages import (
    AdapterChoice,
    ChatJob,
    ChatOutcome,
    LocatabilityJob,
    LocatabilityOutcome,
    LocateJob,
    LocateOptions,
    LocateOutcome,
    ModelCard,
    StreamPart,
)

Outcome = TypeVar("Outcome", LocateOutcome, LocatabilityOutcome, ChatOutcome)
AnyResult = TypeVar("AnyResult", Result, LocatabilityResult)
Item = TypeVar("Item")


class Backend(Protocol):
    """The model replicas, as the ingress sees them. Every method may raise Refusal."""

    async def card(self) -> ModelCard: ...

    async def locate(self, job: LocateJob) -> LocateOutcome: ...

    def locate_stream(self, job: LocateJob) -> AsyncIterator[StreamPart]: ...

    async def locatability(self, job: LocatabilityJob) -> LocatabilityOutcome: ...

    async def chat(self, job: ChatJob) -> ChatOutcome: ...

    async def num_replicas(self) -> int:
        """Replicas that can answer now."""


@dataclass(frozen=True)
class Upload:
    """A file as it came. `picture` is None where it was refused, for the reason in `refusal`."""

    name: str
    picture: Picture | None
    refusal: Refusal | None


@dataclass(frozen=True)
class FileResult(Generic[AnyResult]):
    """The result of one file, and whether its picture could be read at all."""

    is_readable: bool
    result: AnyResult


class Service:
    """Answers what the routes ask, over any backend."""

    def __init__(self, recipe: ServeRecipe, backend: Backend, metrics: ServingMetrics) -> None:
        self.recipe = recipe
        self.backend = backend
        self.metrics = metrics
        self._card: ModelCard | None = None

    async def card(self) -> ModelCard:
        """The model that answers, asked once."""
        if self._card is None:
            self._card = await self.backend.card()
        return self._card

    async def check_adapter(self, choice: AdapterChoice | None) -> None:
        """Raises Refusal for an adapter that the model does not have."""
        card = await self.card()
        if choice is not None and choice not in card.choices():
            raise Refusal(
                "invalid",
                f"{card.id} has no adapter {choice!r}; choose one of {', '.join(card.choices())}",
            )

    def uploads(self, files: Sequence[tuple[str | None, bytes]]) -> list[Upload]:
        """The files with the checks of their headers done.

        Raises Refusal for too many files, or where none of them can be read.
        """
        most = self.recipe.limits.max_images
        if len(files) > most:
            raise Refusal("too_large", f"{len(files)} pictures came; send at most {most} at once")
        checked = [self._checked(name, raw) for name, raw in files]
        refusals = [one.refusal for one in checked if one.refusal is not None]
        if len(refusals) == len(checked):
            _refuse_all(refusals)
        return checked

    async def locate(
        self, uploads: Sequence[Upload], form: LocateForm, request_id: str
    ) -> LocateAnswer:
        """The answer about every file, in order. Raises Refusal as a whole where it is full."""
        await self.check_adapter(form.adapter)
        card = await self.card()
        results = _readable(await _all([self._located(one, form) for one in uploads]))
        return LocateAnswer(request_id=request_id, model=model_of(card), results=results)

    async def locate_stream(self, upload: Upload, form: LocateForm) -> AsyncIterator[StreamPart]:
        """The parts of one file's answer."""
        job = self._job(upload, form)
        self.metrics.job_sent()
        try:
            async for part in self.backend.locate_stream(job):
                if part.kind == "done" and part.outcome is not None:
                    if part.outcome.location is None:
                        reason = part.outcome.unreadable
                        raise Refusal("invalid", f"{upload.name} cannot be read: {reason}")
                    self.metrics.job_answered(part.outcome.stats)
                yield part
        finally:
            self.metrics.job_ended()

    async def locatability(
        self, uploads: Sequence[Upload], overlay: bool, request_id: str
    ) -> LocatabilityAnswer:
        """The locatability of every file, in order."""
        results = _readable(await _all([self._measured(one, overlay) for one in uploads]))
        return LocatabilityAnswer(request_id=request_id, results=results)

    async def chat(self, job: ChatJob) -> ChatOutcome:
        """The answer to a question about pictures. Raises Refusal where there is none."""
        outcome = await self._ask(self.backend.chat(job))
        if outcome.unreadable is not None:
            raise Refusal("invalid", f"a picture cannot be read: {outcome.unreadable}")
        if outcome.text is None:
            raise Refusal("unavailable", f"no answer came: {outcome.error}")
        self.metrics.job_answered(outcome.stats)
        return outcome

    def result(self, file: str, outcome: LocateOutcome, total_ms: float) -> Result:
        """An outcome as the server answers it."""
        return result_of(file, outcome, total_ms, self.recipe.locatability.threshold)

    def _checked(self, name: str | None, raw: bytes) -> Upload:
        shown = shown_name(name)
        try:
            return Upload(shown, check_picture(raw, self.recipe.limits), None)
        except Refusal as refusal:
            return Upload(shown, None, refusal)

    async def _located(self, upload: Upload, form: LocateForm) -> "FileResult[Result]":
        if upload.refusal is not None:
            return FileResult(False, unreadable(upload.name, upload.refusal.detail))
        started = time.perf_counter()
        outcome = await self._ask(self.backend.locate(self._job(upload, form)))
        if outcome.location is not None:
            self.metrics.job_answered(outcome.stats)
        elapsed_ms = (time.perf_counter() - started) * 1000
        result = self.result(upload.name, outcome, elapsed_ms)
        return FileResult(outcome.location is not None, result)

    async def _measured(self, upload: Upload, overlay: bool) -> "FileResult[LocatabilityResult]":
        if upload.picture is None:
            reason = upload.refusal.detail if upload.refusal else ""
            return FileResult(False, LocatabilityResult(file=upload.name, error=reason))
        started = time.perf_counter()
        outcome = await self._ask(
            self.backend.locatability(LocatabilityJob(upload.picture.raw, overlay))
        )
        elapsed_ms = (time.perf_counter() - started) * 1000
        result = locatability_result(
            upload.name, outcome, elapsed_ms, self.recipe.locatability.threshold
        )
        return FileResult(outcome.locatability is not None, result)

    def _job(self, upload: Upload, form: LocateForm) -> LocateJob:
        assert upload.picture is not None
        options = LocateOptions(form.top_k, form.adapter, form.reasons, form.constrained)
        return LocateJob(upload.picture.raw, options, form.locatability, form.overlay)

    async def _ask(self, asked: Awaitable[Outcome]) -> Outcome:
        self.metrics.job_sent()
        try:
            return await asked
        finally:
            self.metrics.job_ended()


async def _all(asked: Sequence[Awaitable[Item]]) -> list[Item]:
    """All answers, or the first refusal, with the questions still open called back."""
    tasks = [asyncio.ensure_future(one) for one in asked]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()


def _refuse_all(refusals: Sequence[Refusal]) -> None:
    codes = {refusal.code for refusal in refusals}
    if len(codes) == 1:
        raise refusals[0]
    raise Refusal("invalid", f"none of the pictures can be read; the first: {refusals[0].detail}")


def _readable(answered: Sequence[FileResult[AnyResult]]) -> list[AnyResult]:
    """The results of all files. Raises Refusal where no picture could be read: a mistake of the
    request, and no answer."""
    if not any(one.is_readable for one in answered):
        first = answered[0].result
        raise Refusal("invalid", f"no picture can be read; {first.file}: {first.error}")
    return [one.result for one in answered]
