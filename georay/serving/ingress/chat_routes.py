"""The OpenAI-compatible subset: one question about pictures, answered in words.

What is not offered is refused with a sentence instead of being ignored.
"""

import base64
import binascii
import json
import re
import time
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import BaseModel, ConfigDict, Field

from georay.core.prompts import INFERENCE, Conversation
from georay.serving.ingress.limits import Picture, check_picture
from georay.serving.ingress.locate_routes import ANSWERING, ERRORS, Served
from georay.serving.ingress.refusals import EVENTS, Refusal, documented
from georay.serving.ingress.schemas import ModelEntry, ModelsAnswer, RequestBody
from georay.serving.ingress.service import Service
from georay.serving.messages import AdapterChoice, ChatJob, ChatOptions, ChatOutcome, ModelCard

router = APIRouter(prefix="/v1", tags=["OpenAI-compatible"])

_LONGEST_QUESTION = 4000  # letters
# What a URI says of the kind of its picture does not matter: the first bytes decide.
_DATA_URI = re.compile(
    r"data:(?:image/[a-z0-9.-]+|application/octet-stream)?(?:;[a-z0-9-]+=[^;,]*)*;base64,", re.I
)
_BLANKS = str.maketrans("", "", " \t\r\n")  # some encoders break base64 into lines


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TextPart(_Part):
    type: Literal["text"]
    text: str


class ImageUrl(_Part):
    url: str = Field(description="a data: URI; the server fetches nothing")
    detail: Literal["auto", "low", "high"] = "auto"


class ImagePart(_Part):
    type: Literal["image_url"]
    image_url: ImageUrl


class UserMessage(_Part):
    role: Literal["user"]
    content: list[Annotated[TextPart | ImagePart, Field(discriminator="type")]] = Field(
        min_length=1
    )


class ChatRequest(RequestBody):
    """One user message. Greedy unless a temperature is given; n is 1."""

    model: str
    messages: list[UserMessage] = Field(min_length=1, max_length=1)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float = Field(0.0, ge=0, le=2)
    top_p: float = Field(1.0, gt=0, le=1)
    stream: bool = False
    n: Literal[1] = 1
    user: str | None = Field(None, max_length=200)

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": "tiny",
                    "messages": [
                        {
                            "role": "user",
                            "content": [
                                {
                                    "type": "image_url",
                                    "image_url": {"url": "data:image/jpeg;base64,/9j/4AAQ…"},
                                },
                                {"type": "text", "text": INFERENCE.question},
                            ],
                        }
                    ],
                    "max_tokens": 320,
                }
            ]
        }
    )


class _ResponsePart(BaseModel):
    model_config = ConfigDict(frozen=True)


class ChatMessage(_ResponsePart):
    role: Literal["assistant"] = "assistant"
    content: str


class Choice(_ResponsePart):
    index: int = 0
    message: ChatMessage
    finish_reason: Literal["stop", "length"]
    logprobs: None = None


class Usage(_ResponsePart):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatAnswer(_ResponsePart):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage


@router.get("/models", responses=ANSWERING)
async def models(service: Served) -> ModelsAnswer:
    """The model served, by itself and with each choice of its adapters (`id:adapter`)."""
    card = await service.card()
    names = [card.id, *(f"{card.id}:{choice}" for choice in card.choices())]
    return ModelsAnswer(data=[ModelEntry(id=name, caveat=card.caveat) for name in names])


@router.post(
    "/chat/completions",
    responses={
        200: {"content": {EVENTS: {}}, "description": "the answer; as events where `stream` is on"},
        **ERRORS,
        **documented("not_found"),
    },
    response_model=ChatAnswer,
)
async def complete(
    request: Request, asked: ChatRequest, service: Served
) -> ChatAnswer | EventSourceResponse:
    """Answer a question about pictures, as OpenAI's clients ask it.

    Pictures come as data: URIs. With `stream` the answer comes as one chunk.
    """
    job = _job(asked, await service.card(), service)
    outcome = await service.chat(job)
    answer = _answer(outcome, asked.model, request.state.request_id)
    if not asked.stream:
        return answer
    return EventSourceResponse(_chunks(answer))


def _job(asked: ChatRequest, card: ModelCard, service: Service) -> ChatJob:
    """The job of a request; raises Refusal for what cannot be asked."""
    adapter = _adapter(asked.model, card)
    parts = asked.messages[0].content
    pictures = _pictures([one for one in parts if isinstance(one, ImagePart)], service)
    question = "\n".join(one.text for one in parts if isinstance(one, TextPart))
    if len(question) > _LONGEST_QUESTION:
        raise Refusal("invalid", f"a question may have {_LONGEST_QUESTION:,} letters; shorten it")
    most = service.recipe.limits.max_images
    if not pictures or len(pictures) > most:
        raise Refusal("invalid", f"ask about 1 to {most} pictures, got {len(pictures)}")
    try:
        Conversation(question, num_images=len(pictures))
    except ValueError as problem:
        raise Refusal("invalid", str(problem)) from None
    longest = service.recipe.answers.max_new_tokens
    most_tokens = min(asked.max_completion_tokens or asked.max_tokens or longest, longest)
    options = ChatOptions(adapter, most_tokens, asked.temperature, asked.top_p)
    return ChatJob(tuple(one.raw for one in pictures), question, options)


def _adapter(model: str, card: ModelCard) -> AdapterChoice | None:
    names: dict[str, AdapterChoice | None] = {card.id: None}
    names |= {f"{card.id}:{choice}": choice for choice in card.choices()}
    if model not in names:
        raise Refusal(
            "not_found", f"there is no model {model[:80]!r}; /v1/models lists: {', '.join(names)}"
        )
    return names[model]


def _pictures(parts: Sequence[ImagePart], service: Service) -> list[Picture]:
    """The pictures of a question; raises Refusal that says which of several is at fault."""
    pictures: list[Picture] = []
    for part in parts:
        try:
            pictures.append(_picture(part, service))
        except Refusal as refusal:
            if len(parts) == 1:
                raise
            number = len(pictures) + 1
            raise Refusal(refusal.code, f"picture {number}: {refusal.detail}") from None
    return pictures


def _picture(part: ImagePart, service: Service) -> Picture:
    url = part.image_url.url
    start = _DATA_URI.match(url)
    if start is None:
        raise Refusal(
            "invalid",
            "a picture must be a data: URI of base64 JPEG, PNG or WebP; the server fetches no URL",
        )
    try:
        raw = base64.b64decode(url[start.end() :].translate(_BLANKS), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal("invalid", "a picture's data: URI is not valid base64") from None
    return check_picture(raw, service.recipe.limits)


def _answer(outcome: ChatOutcome, model: str, request_id: str) -> ChatAnswer:
    assert outcome.text is not None
    written = outcome.stats.num_tokens
    return ChatAnswer(
        id=f"chatcmpl-{request_id}",
        created=int(time.time()),
        model=model,
        choices=[
            Choice(message=ChatMessage(content=outcome.text), finish_reason=outcome.finish_reason)
        ],
        usage=Usage(
            prompt_tokens=outcome.num_prompt_tokens,
            completion_tokens=written,
            total_tokens=outcome.num_prompt_tokens + written,
        ),
    )


async def _chunks(answer: ChatAnswer) -> AsyncIterator[bytes]:
    """The answer as OpenAI's stream has it: words, then why they ended."""
    choice = answer.choices[0]
    steps: tuple[tuple[dict[str, str], str | None], ...] = (
        ({"role": "assistant", "content": choice.message.content}, None),
        ({}, choice.finish_reason),
    )
    for delta, reason in steps:
        chunk = {
            "id": answer.id,
            "object": "chat.completion.chunk",
            "created": answer.created,
            "model": answer.model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
        }
        yield format_sse_event(data_str=json.dumps(chunk, ensure_ascii=False))
    yield format_sse_event(data_str="[DONE]")
