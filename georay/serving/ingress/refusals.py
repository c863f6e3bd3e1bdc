"""Refusals of requests: each has a status, a code, and a sentence that helps."""

import logging
from collections import Counter
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.sse import format_sse_event
from starlette.exceptions import HTTPException
from starlette.types import Scope

from georay.serving.ingress.field_errors import describe_broken_body, describe_field_error
from georay.serving.ingress.schemas import ErrorAnswer, ErrorCode, ErrorInfo

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
_log = logging.getLogger("georay.serving")
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


def logged_failure(request_id: str) -> Refusal:
    """Logs the exception in hand, of which the client learns nothing but the request's id."""
    _log.exception("request %s failed", request_id)
    return Refusal("internal", "the server failed; its log has more under this request's id")


def error_answer(refusal: Refusal, scope: Scope) -> ErrorAnswer:
    """The body that every error has."""
    request_id = scope.get("state", {}).get("request_id", "")
    # What a sentence repeats of a request may hold half a character, which no JSON can carry.
    message = refusal.detail.encode("utf-8", "backslashreplace").decode()
    info = ErrorInfo(code=refusal.code, message=message, request_id=request_id)
    return ErrorAnswer(error=info)


def error_response(refusal: Refusal, scope: Scope) -> JSONResponse:
    """A refusal as a response of its own."""
    body = error_answer(refusal, scope).model_dump()
    return JSONResponse(body, refusal.status_code, dict(refusal.headers or {}))


def error_event(refusal: Refusal, scope: Scope) -> bytes:
    """A refusal as the last event of a stream that has begun."""
    return format_sse_event(event="error", data_str=error_answer(refusal, scope).model_dump_json())


async def on_http_error(request: Request, problem: Exception) -> JSONResponse:
    """Refusals, and what the framework itself refuses: unknown paths, methods, broken bodies."""
    assert isinstance(problem, HTTPException)
    if isinstance(problem, Refusal):
        return error_response(problem, request.scope)
    if problem.status_code == 404:
        refusal = Refusal("not_found", f"there is nothing at {request.url.path}; see /docs")
    elif problem.status_code == 405:
        refusal = Refusal("method_not_allowed", f"{request.method} is not offered here; see /docs")
        refusal.headers = problem.headers
    else:
        refusal = Refusal("invalid", describe_broken_body(str(problem.detail)))
    return error_response(refusal, request.scope)


async def on_invalid(request: Request, problem: Exception) -> JSONResponse:
    """Fields that are missing, unknown or out of range, named in one sentence."""
    assert isinstance(problem, RequestValidationError)
    faults = [describe_field_error(fault, request) for fault in problem.errors()[:_MOST_FAULTS]]
    return error_response(Refusal("invalid", "; ".join(faults)), request.scope)


async def refuse_unknown_fields(request: Request) -> None:
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


def documented_of_stream(*codes: ErrorCode) -> dict[int | str, dict[str, Any]]:
    """As `documented`, for a route of events: FastAPI would say that its errors are events too."""
    schema = {"$ref": f"#/components/schemas/{ErrorAnswer.__name__}"}
    content = {"content": {"application/json": {"schema": schema}}}
    found = documented(*codes).items()
    return {status: content | {"description": one["description"]} for status, one in found}
