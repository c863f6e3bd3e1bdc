"""The routes of /v1/locate, its stream, and /v1/locatability."""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from fastapi.sse import EventSourceResponse, ServerSentEvent

from georay.serving.ingress.refusals import (
    Refusal,
    documented,
    documented_of_stream,
    error_answer,
    logged_failure,
)
from georay.serving.ingress.results import model_of
from georay.serving.ingress.schemas import (
    ErrorCode,
    LocatabilityAnswer,
    LocatabilityForm,
    LocateAnswer,
    LocateForm,
)
from georay.serving.ingress.service import Service
from georay.serving.messages import StreamPart

router = APIRouter(prefix="/v1", tags=["locating"])
_ANSWERING: tuple[ErrorCode, ...] = ("unauthorised", "busy", "timeout", "unavailable", "internal")
_READING: tuple[ErrorCode, ...] = ("too_large", "unsupported_type", "invalid")
ANSWERING = documented(*_ANSWERING)
ERRORS = documented(*_ANSWERING, *_READING)
_MULTIPART = "multipart/form-data"


def service_of(request: Request) -> Service:
    """The one service of the application."""
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


Served = Annotated[Service, Depends(service_of)]
Locating = Annotated[LocateForm, Form(media_type=_MULTIPART)]
Measuring = Annotated[LocatabilityForm, Form(media_type=_MULTIPART)]


@router.post("/locate", responses=ERRORS)
async def locate(request: Request, form: Locating, service: Served) -> LocateAnswer:
    """Say where photographs were taken, and why.

    Only pixels are read: names, tags and comments of a file change nothing. A picture that cannot
    be read fails by itself; the others are answered.

    `curl -F images=@street.jpg -F top_k=5 http://127.0.0.1:8000/v1/locate`
    """
    uploads = service.uploads(await _files(form.images))
    return await service.locate(uploads, form, request.state.request_id)


@dataclass(frozen=True)
class _Stream:
    """The answer about one file, whose first part has come."""

    request: Request
    service: Service
    name: str
    started: float
    first: StreamPart
    others: AsyncIterator[StreamPart]

    def event(self, part: StreamPart) -> ServerSentEvent:
        """A part of the answer as a server-sent event."""
        if part.outcome is None:
            return ServerSentEvent(event="reasons", data={"text": part.text})
        elapsed_ms = (time.perf_counter() - self.started) * 1000
        result = self.service.result(self.name, part.outcome, elapsed_ms)
        if part.kind == "place":
            return ServerSentEvent(event="place", data=result)
        answer = LocateAnswer(
            request_id=self.request.state.request_id,
            model=model_of(part.outcome.model),
            results=[result],
        )
        return ServerSentEvent(event="done", data=answer)

    def error(self, refusal: Refusal) -> ServerSentEvent:
        """What ends the stream in place of its last part."""
        return ServerSentEvent(event="error", data=error_answer(refusal, self.request.scope))


async def _stream(request: Request, form: Locating, service: Served) -> _Stream:
    """Waits for the first part, so that it decides the status: a full queue is a 429 here too."""
    if len(form.images) != 1:
        raise Refusal("invalid", "a stream is about one picture: send one file in 'images'")
    (upload,) = service.uploads(await _files(form.images))
    await service.check_adapter(form.adapter)
    started = time.perf_counter()
    parts = service.locate_stream(upload, form)
    return _Stream(request, service, upload.name, started, await anext(parts), parts)


@router.post(
    "/locate/stream",
    response_class=EventSourceResponse,
    responses=documented_of_stream(*_ANSWERING, *_READING),
)
async def locate_stream(
    stream: Annotated[_Stream, Depends(_stream)],
) -> AsyncIterator[ServerSentEvent]:
    """Locate one photograph and stream the answer as server-sent events.

    `place`: the result without reasons. `reasons`: {"text": …}, a piece of them. `done`: the whole
    answer as of /v1/locate. `error`: as an error's body.
    """
    try:
        yield stream.event(stream.first)
        async for part in stream.others:
            yield stream.event(part)
    except Refusal as refusal:
        yield stream.error(refusal)
    except Exception:  # raised further, it would drop the events that FastAPI has not sent yet
        yield stream.error(logged_failure(stream.request.state.request_id))


@router.post("/locatability", responses=ERRORS)
async def locatability(request: Request, form: Measuring, service: Served) -> LocatabilityAnswer:
    """Measure how much photographs give away about where they were taken (0 to 1)."""
    uploads = service.uploads(await _files(form.images))
    return await service.locatability(uploads, form.overlay, request.state.request_id)


async def _files(images: Sequence[UploadFile]) -> list[tuple[str | None, bytes]]:
    return [(image.filename, await image.read()) for image in images]
