"""Refusals: each has a status, a code, and a sentence that helps."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Scope

from georay.serving.schemas import ErrorAnswer, ErrorCode, ErrorShown
from georay.serving.wording import of_broken_body, of_fault

_STATUS: Mapping[ErrorCode, int] = {
    "invalid": 422,
    "too_large": 413,
    "unsupported_type": 415,
    "busy": 429,
    "rate_limited": 429,
    "unauthorised": 401,
    "timeout": 504,
    "unavailable": 503,
    "not_found": 404,
    "method_not_allowed": 405,
    "internal": 500,
}
_MOST_FAULTS = 3
EVENTS = "text/event-stream"


class Refusal(HTTPException):
    """A request that gets no answer. `retry_after_s`: when it may be worth asking again."""

    def __init__(self, code: ErrorCode, message: str, retry_after_s: int | None = None) -> None:
        headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        if code == "unauthorised":
            headers["WWW-Authenticate"] = "Bearer"
        if code == "too_large":
            headers["Connection"] = "close"  # the rest of the body is not read
        super().__init__(_STATUS[code], message, headers)
        self.code = code


def busy(retry_after_s: int) -> Refusal:
    """The queue is full."""
    return Refusal("busy", f"the server is full; try again in {retry_after_s} s", retry_after_s)


def response_of(refusal: Refusal, scope: Scope) -> JSONResponse:
    """The JSON body that every error has."""
    request_id = scope.get("state", {}).get("request_id", "")
    # What a sentence repeats of a request may hold half a character, which no JSON can carry.
    message = refusal.detail.encode("utf-8", "backslashreplace").decode()
    shown = ErrorShown(code=refusal.code, message=message, request_id=request_id)
    return JSONResponse(
        ErrorAnswer(error=shown).model_dump(), refusal.status_code, dict(refusal.headers or {})
    )


def event_of(refusal: Refusal, scope: Scope) -> str:
    """The same body as the last event of a stream that has begun."""
    return f"event: error\ndata: {bytes(response_of(refusal, scope).body).decode()}\n\n"


async def on_http_error(request: Request, problem: Exception) -> JSONResponse:
    """Refusals, and what the framework itself refuses: unknown paths, methods, broken bodies."""
    assert isinstance(problem, HTTPException)
    if isinstance(problem, Refusal):
        return response_of(problem, request.scope)
    if problem.status_code == 404:
        refusal = Refusal("not_found", f"there is nothing at {request.url.path}; see /docs")
    elif problem.status_code == 405:
        refusal = Refusal("method_not_allowed", f"{request.method} is not offered here; see /docs")
        refusal.headers = problem.headers
    else:
        refusal = Refusal("invalid", of_broken_body(str(problem.detail)))
    return response_of(refusal, request.scope)


async def on_invalid(request: Request, problem: Exception) -> JSONResponse:
    """Fields that are missing, unknown or out of range, named in one sentence."""
    assert isinstance(problem, RequestValidationError)
    faults = [of_fault(fault, request) for fault in problem.errors()[:_MOST_FAULTS]]
    return response_of(Refusal("invalid", "; ".join(faults)), request.scope)


async def nothing_unknown(request: Request) -> None:
    """Raises Refusal for what would be passed over in silence: any query, and repeated fields."""
    for name in request.query_params:
        instead = "send it as a field of the body" if request.method == "POST" else "remove it"
        raise Refusal("invalid", f"there is no query parameter {name[:80]!r}: {instead}")
    if request.method == "POST" and "form" in request.headers.get("content-type", ""):
        names = Counter(name for name, _ in (await request.form()).multi_items())
        for name, count in names.items():
            if count > 1 and name != "images":
                raise Refusal("invalid", f"the field {name[:80]!r} came {count} times: send one")


def documented(*codes: ErrorCode) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for OpenAPI."""
    statuses = {_STATUS[code]: code for code in codes}
    return {
        status: {"model": ErrorAnswer, "description": code.replace("_", " ")}
        for status, code in statuses.items()
    }
