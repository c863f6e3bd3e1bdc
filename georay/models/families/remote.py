"""Models behind an OpenAI-compatible chat endpoint: GPT-4V's successors, vLLM, SGLang, georay.

Every exchange comes back as a `Reply`, in order, with an error instead of a text where it failed:
a dead server or a bad key is a column of errors and never a crash.
"""

import asyncio
import base64
import io
import json
import logging
import os
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import httpx
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from georay.core.prompts import openai_messages
from georay.models.families.base import Exchange, Sampling

_MAX_BODY_BYTES = 8 << 20
_MAX_DETAIL = 300  # characters of a server's complaint that an error repeats
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
    token_limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    sends_sampling: bool = True  # some hosted models refuse any temperature
    price_prompt: float | None = Field(default=None, ge=0)
    price_answer: float | None = Field(default=None, ge=0)


@dataclass(frozen=True)
class Reply:
    """What came back for one exchange. Exactly one of `text` and `error` is None."""

    text: str | None = None
    error: str | None = None
    refused: bool = False
    finish_reason: str | None = None
    num_prompt_tokens: int | None = None
    num_answer_tokens: int | None = None
    cost: float | None = None
    num_attempts: int = 0
    latency_ms: float = 0.0


@dataclass(frozen=True)
class RemoteUsage:
    """Sums over replies; tokens and cost count the replies whose endpoint told them."""

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


class _Failure(Exception):
    """One attempt that gave no answer; `wait_s` is what the server asked for, if it did.

    is_refused: the server understood the request, and does not take it as it is.
    """

    def __init__(
        self,
        detail: str,
        *,
        transient: bool,
        wait_s: float | None = None,
        is_refused: bool = False,
    ) -> None:
        super().__init__(detail)
        self.transient = transient
        self.wait_s = wait_s
        self.is_refused = is_refused


@dataclass(frozen=True)
class _Fields:
    """How the limit of tokens is named in a request, and whether sampling is told at all."""

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
        self._url = _chat_url(settings.base_url)
        self._key = _key_from_environment(settings.key_variable)
        self._fields = _Fields(settings.token_limit_field, settings.sends_sampling)
        self._resume_at = 0.0  # on the monotonic clock: nobody asks before it, after a 429

    def answer(self, exchanges: Sequence[Exchange], sampling: Sampling) -> list[Reply]:
        """One reply per exchange, in order. Inside an event loop await `answer_async` instead."""
        return asyncio.run(self.answer_async(exchanges, sampling))

    async def answer_async(self, exchanges: Sequence[Exchange], sampling: Sampling) -> list[Reply]:
        """One reply per exchange, in order, at most `max_concurrency` being asked at a time."""
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        places = asyncio.Semaphore(self._settings.max_concurrency)
        pool = httpx.Limits(max_connections=self._settings.max_concurrency)
        async with httpx.AsyncClient(headers=headers, limits=pool, timeout=None) as client:

            async def ask_in_turn(exchange: Exchange) -> Reply:
                async with places:
                    return await self._ask(client, exchange, sampling)

            return await asyncio.gather(*map(ask_in_turn, exchanges))

    async def _ask(self, client: httpx.AsyncClient, exchange: Exchange, how: Sampling) -> Reply:
        started = time.perf_counter()
        reply, attempt, allowed = Reply(), 0, self._settings.max_attempts
        try:
            urls = await asyncio.to_thread(self._urls, exchange)
        except (OSError, ValueError, SyntaxError) as problem:  # Pillow may only read it now
            return Reply(error=f"cannot read a picture: {problem}")
        while reply.text is None and reply.error is None:
            attempt += 1
            fields = self._fields
            try:
                reply = await self._attempt(client, self._body(exchange, urls, how, fields))
            except _Failure as failure:
                if failure.is_refused and self._learns(fields, str(failure)):
                    allowed += 1  # the next is the first that asks as this server wants it
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
                response, content = await _post(client, self._url, body)
        except TimeoutError:
            limit = self._settings.timeout_s
            raise _Failure(f"no answer within {limit:g} s (timeout_s)", transient=True) from None
        except httpx.HTTPError as problem:
            detail = f"connection to {self._url} failed: {type(problem).__name__} {problem}"
            raise _Failure(detail.strip(), transient=True) from None
        if response.status_code != 200:
            return self._refusal_or_failure(response, content)
        parsed = _parsed(content)
        if "error" in parsed and "choices" not in parsed:  # some gateways fail with status 200
            return self._refusal_or_failure(response, content)
        return self._reply(parsed)

    def _refusal_or_failure(self, response: httpx.Response, content: bytes) -> Reply:
        """A reply when the endpoint's filter refused the question; otherwise raises _Failure."""
        code, detail = _complaint(content)
        if code in _REFUSED_CODES:
            return Reply(text=detail, refused=True, finish_reason=code)
        wait_s = _retry_after_s(response.headers.get("retry-after"))
        transient = response.status_code in _TRANSIENT and code not in _HOPELESS_CODES
        message = f"HTTP {response.status_code}: {detail}"
        if transient and wait_s is not None and wait_s > self._settings.max_wait_s:
            message += f" (asks to wait {wait_s:g} s, more than max_wait_s)"
            transient = False
        if response.status_code == 429 and transient and wait_s is not None:
            self._resume_at = max(self._resume_at, time.monotonic() + wait_s)
        is_refused = response.status_code in _REFUSED_STATUSES
        raise _Failure(message, transient=transient, wait_s=wait_s, is_refused=is_refused)

    def _reply(self, content: dict[str, Any]) -> Reply:
        try:
            choice = content["choices"][0]
            message, reason = choice["message"], choice.get("finish_reason")
            text, refusal = _text(message.get("content")), message.get("refusal")
        except (KeyError, IndexError, TypeError, AttributeError):
            raise _Failure("the answer holds no message", transient=False) from None
        prompt, answer = _token_counts(content.get("usage"))
        told = Reply(
            finish_reason=reason if isinstance(reason, str) else None,
            num_prompt_tokens=prompt,
            num_answer_tokens=answer,
            cost=self._cost(prompt, answer),
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

    def _wait_s(self, attempt: int, failure: _Failure) -> float:
        """Backoff with full jitter, never shorter than what the server asked for."""
        longest = min(self._settings.max_wait_s, self._settings.first_wait_s * 2 ** (attempt - 1))
        return (failure.wait_s or 0.0) + random.uniform(0.0, longest)

    def _urls(self, exchange: Exchange) -> list[str]:
        return [_data_url(image, self._settings.longest_side) for image in exchange.images]

    def _body(
        self, exchange: Exchange, urls: Sequence[str], how: Sampling, fields: _Fields
    ) -> bytes:
        asked = replace(exchange.conversation, answer=None)
        body: dict[str, Any] = {
            "model": self._settings.model,
            "messages": openai_messages(asked, urls),
            fields.token_limit: how.max_new_tokens,
        }
        if fields.sampling:
            body |= {"temperature": how.temperature, "top_p": how.top_p}
        return json.dumps(body).encode()

    def _without_key(self, message: str) -> str:
        """Some servers repeat a wrong key in their complaint; errors end up in tables."""
        return message.replace(self._key, "[key]") if self._key else message


def _chat_url(base_url: str) -> str:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as problem:
        raise ValueError(f"base_url {base_url!r} is not a URL: {problem}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"base_url needs http or https and a host, got {base_url!r}")
    if url.userinfo:
        raise ValueError("base_url holds a user or password: use key_variable instead")
    return f"{base_url.rstrip('/')}/chat/completions"


def _key_from_environment(variable: str | None) -> str | None:
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ValueError(f"the environment variable {variable} (key_variable) is not set")
    if not key.isascii() or not key.isprintable():
        raise ValueError(f"the key in the environment variable {variable} cannot be sent in HTTP")
    return key


def _data_url(image: Image.Image, longest_side: int) -> str:
    plain = image.convert("RGB")
    plain.info = {}  # Pillow writes a JPEG comment found here: nothing but pixels leaves
    plain.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    plain.save(buffer, "JPEG", quality=95)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


async def _post(client: httpx.AsyncClient, url: str, body: bytes) -> tuple[httpx.Response, bytes]:
    headers = {"Content-Type": "application/json"}
    content = bytearray()
    async with client.stream("POST", url, content=body, headers=headers) as response:
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > _MAX_BODY_BYTES:
                raise _Failure(f"the answer is larger than {_MAX_BODY_BYTES:,} B", transient=False)
    return response, bytes(content)


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        start = content[:80].decode(errors="replace")
        raise _Failure(f"the answer is not a JSON object: {start!r}", transient=False)
    return parsed


def _complaint(content: bytes) -> tuple[str | None, str]:
    """The code and message of an error body, or the start of whatever came instead."""
    try:
        error = _parsed(content).get("error")
    except _Failure:
        error = None
    if isinstance(error, dict):
        code = error.get("code")
        return code if isinstance(code, str) else None, str(error.get("message"))[:_MAX_DETAIL]
    return None, (content.decode(errors="replace").strip() or "no body")[:_MAX_DETAIL]


def _text(content: object) -> str | None:
    """The words of a message, which some servers send in parts; None when there are none."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "".join(part for part in parts if isinstance(part, str)) or None
    return content if isinstance(content, str) else None


def _token_counts(usage: object) -> tuple[int | None, int | None]:
    if not isinstance(usage, dict):
        return None, None
    counts = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
    prompt, answer = (count if isinstance(count, int) else None for count in counts)
    return prompt, answer


def _retry_after_s(value: str | None) -> float | None:
    """Seconds from now that a Retry-After header names, as a number or as a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())
