"""The HTTP application over any backend, without Ray."""

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from georay import __version__
from georay.config.serve import ServeRecipe
from georay.serving.ingress import chat_routes, locate_routes, page_routes, state_routes
from georay.serving.ingress.limits import KeyRing, Rates
from georay.serving.ingress.metrics import ServingMetrics
from georay.serving.ingress.middleware import (
    BodyLimit,
    HeadAsGet,
    KeyCheck,
    OpenRequests,
    RequestGuard,
)
from georay.serving.ingress.refusals import on_http_error, on_invalid, refuse_unknown_fields
from georay.serving.ingress.service import Backend, Service

_DESCRIPTION = (
    "Says where street-level photographs were taken, and why. Pictures are JPEG, PNG or WebP; only "
    "their pixels are read, and nothing of them is kept."
)


def http_app(recipe: ServeRecipe, backend: Backend) -> FastAPI:
    """All routes behind their limits. Raises ValueError where the recipe's keys are absent."""
    limits, metrics = recipe.limits, ServingMetrics()
    keys = KeyRing.from_environment(limits.keys_variable)
    app = FastAPI(
        title="georay", version=__version__, description=_DESCRIPTION, docs_url=None, redoc_url=None
    )
    app.state.service = Service(recipe, backend, metrics)
    app.state.open_requests = open_requests = OpenRequests()
    for router in (
        locate_routes.router,
        chat_routes.router,
        page_routes.listing,
        state_routes.router,
    ):
        app.include_router(router, dependencies=[Depends(refuse_unknown_fields)])
    app.include_router(page_routes.router)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    # The one added last stands outermost.
    app.add_middleware(BodyLimit, max_bytes=limits.max_body_bytes)
    app.add_middleware(KeyCheck, keys=keys, rates=Rates(limits.requests_per_minute, limits.burst))
    app.add_middleware(
        RequestGuard, timeout_s=limits.timeout_s, metrics=metrics, open_requests=open_requests
    )
    app.add_middleware(HeadAsGet)
    return app
