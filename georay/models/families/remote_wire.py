"""What goes over the wire to a chat endpoint and back: requests made, answers read, never more."""

import base64
import io
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import httpx
from PIL import Image

_MAX_BODY_BYTES = 8 << 20
_JSON = {"Content-Type": "application/json"}
_MAX_DETAIL = 300  # characters of a server's complaint that an error repeats

PictureFormat = Literal["jpeg", "png"]


class Failure(Exception):
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


def chat_url(base_url: str) -> str:
    """Where an endpoint is asked. Raises ValueError for a URL that is none or holds a password."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as problem:
        raise ValueError(f"base_url {base_url!r} is not a URL: {problem}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"base_url needs http or https and a host, got {base_url!r}")
    if url.userinfo:
        raise ValueError("base_url holds a user or password: use key_variable instead")
    return f"{base_url.rstrip('/')}/chat/completions"


def key_from_environment(variable: str | None) -> str | None:
    """The key that a variable holds. Raises ValueError where it holds none, or one not for HTTP."""
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ValueError(f"the environment variable {variable} (key_variable) is not set")
    if not key.isascii() or not key.isprintable():
        raise ValueError(f"the key in the environment variable {variable} cannot be sent in HTTP")
    return key


def data_url(image: Image.Image, longest_side: int, picture_format: PictureFormat = "jpeg") -> str:
    """The picture as a data: URL; "png" keeps every pixel and is several times as long."""
    plain = image.convert("RGB")
    plain.info = {}  # Pillow writes a JPEG comment found here: nothing but pixels leaves
    plain.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    if picture_format == "png":
        plain.save(buffer, "PNG", compress_level=1)
    else:
        plain.save(buffer, "JPEG", quality=95)
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return f"data:image/{picture_format};base64,{encoded}"


async def post(client: httpx.AsyncClient, url: str, body: bytes) -> tuple[httpx.Response, bytes]:
    """The response and its whole body. Raises Failure for one that is too large."""
    content = bytearray()
    async with client.stream("POST", url, content=body, headers=_JSON) as response:
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > _MAX_BODY_BYTES:
                raise Failure(f"the answer is larger than {_MAX_BODY_BYTES:,} B", transient=False)
    return response, bytes(content)


async def events(client: httpx.AsyncClient, url: str, body: bytes) -> AsyncIterator[dict[str, Any]]:
    """The JSON objects of a streamed answer, as they come. Raises Failure for another answer."""
    size = 0
    async with client.stream("POST", url, content=body, headers=_JSON) as response:
        if response.status_code != 200:
            _, detail = complaint_of(await response.aread())
            raise Failure(f"HTTP {response.status_code}: {detail}", transient=False)
        async for line in response.aiter_lines():
            size += len(line)
            if size > _MAX_BODY_BYTES:
                raise Failure(f"the answer is larger than {_MAX_BODY_BYTES:,} B", transient=False)
            if line.startswith("data:") and (content := line[5:].strip()) != "[DONE]":
                yield parsed(content.encode())


def parsed(content: bytes) -> dict[str, Any]:
    """The JSON object of an answer. Raises Failure where it is none."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        start = content[:80].decode(errors="replace")
        raise Failure(f"the answer is not a JSON object: {start!r}", transient=False)
    return found


def complaint_of(content: bytes) -> tuple[str | None, str]:
    """The code and message of an error body, or the start of whatever came instead."""
    try:
        error = parsed(content).get("error")
    except Failure:
        error = None
    if isinstance(error, dict):
        code = error.get("code")
        return code if isinstance(code, str) else None, str(error.get("message"))[:_MAX_DETAIL]
    return None, (content.decode(errors="replace").strip() or "no body")[:_MAX_DETAIL]


def text_of(content: object) -> str | None:
    """The words of a message, which some servers send in parts; None when there are none."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "".join(part for part in parts if isinstance(part, str)) or None
    return content if isinstance(content, str) else None


def token_counts(usage: object) -> tuple[int | None, int | None]:
    """Tokens of prompt and answer, each None where an answer does not state it."""
    if not isinstance(usage, dict):
        return None, None
    counts = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
    prompt, answer = (count if isinstance(count, int) else None for count in counts)
    return prompt, answer


def retry_after_s(value: str | None) -> float | None:
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
