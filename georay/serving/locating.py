"""The routes of /v1/locate, its stream, and /v1/locatability."""

import json
import time
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from fastapi.responses import StreamingResponse

from georay.serving.errors import EVENTS, Refusal, documented, event_of
from georay.serving.jobs import Piece
from georay.serving.results import model_of
from georay.serving.schemas import CluesAnswer, CluesForm, LocateAnswer, LocateForm
from georay.serving.service import Service

router = APIRouter(prefix="/v1", tags=["locating"])
WAITING = documented("unauthorised", "busy", "timeout", "unavailable", "internal")
ERRORS = WAITING | documented("too_large", "unsupported_type", "invalid")
_MULTIPART = "multipart/form-data"


def service_of(request: Request) -> Service:
    """The one service of the application."""
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


Served = Annotated[Service, Depends(service_of)]
Locating = Annotated[LocateForm, Form(media_type=_MULTIPART)]
Measuring = Annotated[CluesForm, Form(media_type=_MULTIPART)]


@router.post("/locate", responses=ERRORS)
async def locate(request: Request, form: Locating, service: Served) -> LocateAnswer:
    """Say where photographs were taken, and why.

    Only pixels are read: names, tags and comments of a file change nothing. A picture that cannot
    be read fails by itself; the others are answered.

    `curl -F images=@street.jpg -F top_k=5 http://127.0.0.1:8000/v1/locate`
    """
    uploads = service.uploads(await _files(form.images))
    return await service.locate(uploads, form, request.state.request_id)


@router.post(
    "/locate/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {EVENTS: {}}, "description": "events"}, **ERRORS},
)
async def locate_stream(request: Request, form: Locating, service: Served) -> StreamingResponse:
    """Locate one photograph and send the answer while it comes about, as server-sent events.

    `place`: the result without reasons. `reasons`: {"text": …}, a piece of them. `done`: the whole
    answer as of /v1/locate. `error`: as an error's body.
    """
    if len(form.images) != 1:
        raise Refusal("invalid", "a stream is about one picture: send one file in 'images'")
    (upload,) = service.uploads(await _files(form.images))
    await service.check_adapter(form.adapter)
    telling = _Telling(request, service, upload.name)
    pieces = service.locate_aloud(upload, form)
    # The first piece decides the status: a full queue is a 429 here too, and no broken stream.
    events = telling.events(await anext(pieces), pieces)
    return StreamingResponse(events, media_type=EVENTS, headers={"Cache-Control": "no-store"})


@router.post("/locatability", responses=ERRORS)
async def locatability(request: Request, form: Measuring, service: Served) -> CluesAnswer:
    """Measure how much photographs give away about where they were taken (0 to 1)."""
    uploads = service.uploads(await _files(form.images))
    return await service.clues(uploads, form.overlay, request.state.request_id)


async def _files(images: Sequence[UploadFile]) -> list[tuple[str | None, bytes]]:
    return [(image.filename, await image.read()) for image in images]


class _Telling:
    """Turns the pieces of one file's answer into server-sent events."""

    def __init__(self, request: Request, service: Service, name: str) -> None:
        self._scope = request.scope
        self._request_id: str = request.state.request_id
        self._service = service
        self._name = name
        self._started = time.perf_counter()

    async def events(self, first: Piece, others: AsyncIterator[Piece]) -> AsyncIterator[str]:
        try:
            yield self._event(first)
            async for piece in others:
                yield self._event(piece)
        except Refusal as refusal:
            yield event_of(refusal, self._scope)

    def _event(self, piece: Piece) -> str:
        if piece.outcome is None:
            return _line("reasons", {"text": piece.text})
        elapsed_ms = (time.perf_counter() - self._started) * 1000
        result = self._service.shown(self._name, piece.outcome, elapsed_ms)
        if piece.kind == "place":
            return _line("place", result.model_dump(mode="json"))
        answer = LocateAnswer(
            request_id=self._request_id, model=model_of(piece.outcome.model), results=[result]
        )
        return _line("done", answer.model_dump(mode="json"))


def _line(event: str, content: dict[str, object]) -> str:
    return f"event: {event}\ndata: {json.dumps(content, ensure_ascii=False)}\n\n"
