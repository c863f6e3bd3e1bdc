"""Models behind an OpenAI-compatible chat endpoint: GPT-4V's successors, vLLM, SGLang, georay.

Every exchange comes back as a `Reply`, in order, with an error instead of a text where it failed:
a dead server or a bad key is a column of errors and never a crash.
"""

import asyncio
import json
import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field

from georay.core.prompts import openai_messages
from georay.models.families.base import Exchange, Sampling
from georay.models.families.remote_wire import (
    Failure,
    PictureFormat,
    chat_url,
    complaint_of,
    data_url,
    events,
    key_from_environment,
    parsed,
    post,
    retry_after_s,
    text_of,
    token_counts,
)

_TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_REFUSED_STATUSES = frozenset({400, 422})
_REFUSED_CODES = frozenset({"content_filter", "content_policy_violation", "moderation_blocked"})
_HOPELESS_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})

_log = logging.getLogger(__name__)


class RemoteSettings(BaseModel):
    """Where a remote model is and how hard it may be asked.

    The key is never written in a recipe: `key_variable` names the environment variable that holds
    it, and without a name no key is sent. Prices are per million tokens, in any one currency.

    token_limit_field and sends_sampling are where asking begins: a server that says that it takes
    max_completion_tokens, or no temperature, is asked so from then on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str
    model: str
    key_variable: str | None = None
    max_concurrency: int = Field(default=8, ge=1)
    max_attempts: int = Field(default=5, ge=1)
    timeout_s: float = Field(default=120.0, gt=0)  # one attempt, from connecting to the last byte
    first_wait_s: float = Field(default=0.5, ge=0)  # doubled on every retry
    max_wait_s: float = Field(default=60.0, ge=0)  # the longest wait, a Retry-After included
    longest_side: int = Field(default=2048, ge=28)  # pixels; larger pictures are reduced
    picture_format: PictureFormat = "jpeg"  # "png" keeps every pixel
    token_limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    sends_sampling: bool = True  # some hosted models refuse any temperature
    price_prompt: float | None = Field(default=None, ge=0)
    price_answer: float | None = Field(default=None, ge=0)


@dataclass(frozen=True)
class Asking:
    """An exchange and how it is asked, for endpoints that understand more than OpenAI's fields.

    begun: the beginning of the answer; the endpoint goes on from there. model: another name than
    the settings'. extra: fields beside the usual ones.
    """

    exchange: Exchange
    begun: str = ""
    model: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """What came back for one exchange. Exactly one of `text` and `error` is None.

    prompt_logprobs: of each of the prompt's tokens, as the endpoint wrote them where it was asked.
    """

    text: str | None = None
    error: str | None = None
    refused: bool = False
    finish_reason: str | None = None
    num_prompt_tokens: int | None = None
    num_answer_tokens: int | None = None
    cost: float | None = None
    num_attempts: int = 0
    latency_ms: float = 0.0
    prompt_logprobs: Sequence[Any] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class RemoteUsage:
    """Sums over replies; tokens and cost count the replies whose endpoint states them."""

    num_replies: int
    num_errors: int
    num_refused: int
    num_attempts: int
    num_prompt_tokens: int
    num_answer_tokens: int
    cost: float


def total_usage(replies: Iterable[Reply]) -> RemoteUsage:
    """What a run of replies took."""
    found = list(replies)
    return RemoteUsage(
        num_replies=len(found),
        num_errors=sum(reply.error is not None for reply in found),
        num_refused=sum(reply.refused for reply in found),
        num_attempts=sum(reply.num_attempts for reply in found),
        num_prompt_tokens=sum(reply.num_prompt_tokens or 0 for reply in found),
        num_answer_tokens=sum(reply.num_answer_tokens or 0 for reply in found),
        cost=sum(reply.cost or 0.0 for reply in found),
    )


@dataclass(frozen=True)
class _Fields:
    """How the limit of tokens is named in a request, and whether sampling is sent at all."""

    token_limit: Literal["max_tokens", "max_completion_tokens"]
    sampling: bool

    def learnt_from(self, complaint: str) -> "_Fields":
        """The fields that a server takes, by what it says of these; as they are if nothing."""
        if self.token_limit == "max_tokens" and "max_completion_tokens" in complaint:
            return replace(self, token_limit="max_completion_tokens")
        about_sampling = "temperature" in complaint or "top_p" in complaint
        if self.sampling and about_sampling and "support" in complaint:
            return replace(self, sampling=False)
        return self


class RemoteModel:
    """A chat endpoint that answers questions about pictures."""

    def __init__(self, settings: RemoteSettings) -> None:
        """Raises ValueError for a URL that is none or holds a password, or a key that is absent."""
        self._settings = settings
        self._url = chat_url(settings.base_url)
        self._key = key_from_environment(settings.key_variable)
        self._fields = _Fields(settings.token_limit_field, settings.sends_sampling)
        self._resume_at = 0.0  # on the monotonic clock: nobody asks before it, after a 429

    def answer(self, exchanges: Sequence[Exchange], sampling: Sampling) -> list[Reply]:
        """One reply per exchange, in order. Inside an event loop await `answer_async` instead."""
        return asyncio.run(self.answer_async(exchanges, sampling))

    async def answer_async(self, exchanges: Sequence[Exchange], sampling: Sampling) -> list[Reply]:
        """One reply per exchange, in order, at most `max_concurrency` being asked at a time."""
        return await self.ask_async([Asking(one) for one in exchanges], sampling)

    def ask(self, askings: Sequence[Asking], sampling: Sampling) -> list[Reply]:
        """As `answer`, for what is asked in a way of its own."""
        return asyncio.run(self.ask_async(askings, sampling))

    async def ask_async(self, askings: Sequence[Asking], sampling: Sampling) -> list[Reply]:
        """As `answer_async`. Pictures of one exchange that is asked often are encoded once."""
        places = asyncio.Semaphore(self._settings.max_concurrency)
        encoded: dict[int, asyncio.Task[list[str]]] = {}
        async with self._client() as client:

            async def ask_in_turn(asking: Asking) -> Reply:
                async with places:
                    images = asking.exchange.images
                    if id(images) not in encoded:
                        urls = asyncio.to_thread(self._urls, asking.exchange)
                        encoded[id(images)] = asyncio.create_task(urls)
                    return await self._ask(client, asking, encoded[id(images)], sampling)

            return await asyncio.gather(*map(ask_in_turn, askings))

    def stream(self, asking: Asking, sampling: Sampling, on_text: Callable[[str], None]) -> Reply:
        """Asks once, without another attempt; on_text is called with all that is written so far."""
        return asyncio.run(self._stream(asking, sampling, on_text))

    async def _stream(self, asking: Asking, how: Sampling, on_text: Callable[[str], None]) -> Reply:
        started, text, told = time.perf_counter(), "", Reply()
        extra = {"stream": True, "stream_options": {"include_usage": True}}
        try:
            urls = await asyncio.to_thread(self._urls, asking.exchange)
            body = self._body(replace(asking, extra={**asking.extra, **extra}), urls, how)
            async with self._client() as client, asyncio.timeout(self._settings.timeout_s):
                async for event in events(client, self._url, body):
                    piece, told = _piece(event, told)
                    if piece:
                        text += piece
                        on_text(text)
        except TimeoutError:
            told = replace(told, error=f"no answer within {self._settings.timeout_s:g} s")
        except (OSError, ValueError, SyntaxError) as problem:
            told = replace(told, error=f"cannot read a picture: {problem}")
        except (Failure, httpx.HTTPError) as problem:
            told = replace(told, error=self._without_key(f"{type(problem).__name__}: {problem}"))
        latency_ms = (time.perf_counter() - started) * 1000
        told = replace(told, num_attempts=1, latency_ms=latency_ms)
        return told if told.error else replace(told, text=text)

    def _client(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        pool = httpx.Limits(max_connections=self._settings.max_concurrency)
        return httpx.AsyncClient(headers=headers, limits=pool, timeout=None)

    async def _ask(
        self,
        client: httpx.AsyncClient,
        asking: Asking,
        encoded: "asyncio.Task[list[str]]",
        how: Sampling,
    ) -> Reply:
        started = time.perf_counter()
        reply, attempt, allowed = Reply(), 0, self._settings.max_attempts
        try:
            urls = await encoded
        except (OSError, ValueError, SyntaxError) as problem:  # Pillow may only read it now
            return Reply(error=f"cannot read a picture: {problem}")
        while reply.text is None and reply.error is None:
            attempt += 1
            fields = self._fields
            try:
                reply = await self._attempt(client, self._body(asking, urls, how))
            except Failure as failure:
                if failure.is_refused and self._learns(fields, str(failure)):
                    allowed += 1  # the next is the first that asks as this server takes it
                elif failure.transient and attempt < allowed:
                    await asyncio.sleep(self._wait_s(attempt, failure))
                else:
                    reply = Reply(error=self._without_key(str(failure)))
        latency_ms = (time.perf_counter() - started) * 1000
        return replace(reply, num_attempts=attempt, latency_ms=latency_ms)

    def _learns(self, fields: _Fields, complaint: str) -> bool:
        """Whether it is worth asking again with other fields than these, which were refused."""
        learnt = self._fields.learnt_from(complaint)
        if learnt != self._fields:
            _log.warning("%s does not take %s; asking with %s", self._url, self._fields, learnt)
            self._fields = learnt
        return learnt != fields

    async def _attempt(self, client: httpx.AsyncClient, body: bytes) -> Reply:
        await asyncio.sleep(self._resume_at - time.monotonic())
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                response, content = await post(client, self._url, body)
        except TimeoutError:
            limit = self._settings.timeout_s
            raise Failure(f"no answer within {limit:g} s (timeout_s)", transient=True) from None
        except httpx.HTTPError as problem:
            detail = f"connection to {self._url} failed: {type(problem).__name__} {problem}"
            raise Failure(detail.strip(), transient=True) from None
        if response.status_code != 200:
            return self._refusal_or_failure(response, content)
        told = parsed(content)
        if "error" in told and "choices" not in told:  # some gateways fail with status 200
            return self._refusal_or_failure(response, content)
        return self._reply(told)

    def _refusal_or_failure(self, response: httpx.Response, content: bytes) -> Reply:
        """A reply when the endpoint's filter refused the question; otherwise raises Failure."""
        code, detail = complaint_of(content)
        if code in _REFUSED_CODES:
            return Reply(text=detail, refused=True, finish_reason=code)
        wait_s = retry_after_s(response.headers.get("retry-after"))
        transient = response.status_code in _TRANSIENT and code not in _HOPELESS_CODES
        message = f"HTTP {response.status_code}: {detail}"
        if transient and wait_s is not None and wait_s > self._settings.max_wait_s:
            message += f" (asks to wait {wait_s:g} s, more than max_wait_s)"
            transient = False
        if response.status_code == 429 and transient and wait_s is not None:
            self._resume_at = max(self._resume_at, time.monotonic() + wait_s)
        is_refused = response.status_code in _REFUSED_STATUSES
        raise Failure(message, transient=transient, wait_s=wait_s, is_refused=is_refused)

    def _reply(self, content: dict[str, Any]) -> Reply:
        try:
            choice = content["choices"][0]
            message, reason = choice["message"], choice.get("finish_reason")
            text, refusal = text_of(message.get("content")), message.get("refusal")
        except (KeyError, IndexError, TypeError, AttributeError):
            raise Failure("the answer holds no message", transient=False) from None
        prompt, answer = token_counts(content.get("usage"))
        told = Reply(
            finish_reason=reason if isinstance(reason, str) else None,
            num_prompt_tokens=prompt,
            num_answer_tokens=answer,
            cost=self._cost(prompt, answer),
            prompt_logprobs=content.get("prompt_logprobs"),
        )
        if refusal or reason == "content_filter":
            return replace(told, text=str(refusal or text or ""), refused=True)
        if text is None:
            # What was spent is spent: keep the counts beside the error.
            return replace(told, error=f"the answer holds no text (finish reason: {reason})")
        return replace(told, text=text)

    def _cost(self, prompt: int | None, answer: int | None) -> float | None:
        prices = (self._settings.price_prompt, self._settings.price_answer)
        if prompt is None or answer is None or prices[0] is None or prices[1] is None:
            return None
        return (prompt * prices[0] + answer * prices[1]) / 1e6

    def _wait_s(self, attempt: int, failure: Failure) -> float:
        """Backoff with full jitter, never shorter than what the server asked for."""
        longest = min(self._settings.max_wait_s, self._settings.first_wait_s * 2 ** (attempt - 1))
        return (failure.wait_s or 0.0) + random.uniform(0.0, longest)

    def _urls(self, exchange: Exchange) -> list[str]:
        settings = self._settings
        return [
            data_url(image, settings.longest_side, settings.picture_format)
            for image in exchange.images
        ]

    def _body(self, asking: Asking, urls: Sequence[str], how: Sampling) -> bytes:
        asked = replace(asking.exchange.conversation, answer=None)
        body: dict[str, Any] = {
            "model": asking.model or self._settings.model,
            "messages": openai_messages(asked, urls),
            self._fields.token_limit: how.max_new_tokens,
        }
        if self._fields.sampling:
            body |= {"temperature": how.temperature, "top_p": how.top_p}
        if asking.begun:
            body["messages"].append({"role": "assistant", "content": asking.begun})
            body |= {"continue_final_message": True, "add_generation_prompt": False}
        return json.dumps(body | dict(asking.extra)).encode()

    def _without_key(self, message: str) -> str:
        """Some servers repeat a wrong key in their complaint; errors end up in tables."""
        return message.replace(self._key, "[key]") if self._key else message


def _piece(event: Mapping[str, Any], so_far: Reply) -> tuple[str, Reply]:
    """The words of one event of a stream, and what is known of the whole answer behind it."""
    prompt, answer = token_counts(event.get("usage"))
    if prompt is not None or answer is not None:
        so_far = replace(so_far, num_prompt_tokens=prompt, num_answer_tokens=answer)
    choices = event.get("choices") or [{}]
    reason = choices[0].get("finish_reason")
    if isinstance(reason, str):
        so_far = replace(so_far, finish_reason=reason)
    return text_of((choices[0].get("delta") or {}).get("content")) or "", so_far
