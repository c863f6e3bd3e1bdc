"""The HTTP application, over any backend. It knows nothing of Ray."""

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from georay import __version__
from georay.config.serve import ServeRecipe
from georay.serving import chat, locating, pages, state
from georay.serving.errors import nothing_unknown, on_http_error, on_invalid
from georay.serving.limits import KeyRing, Rates
from georay.serving.metrics import ServingMetrics
from georay.serving.middleware import BodyCap, Doors, Gate, HeadAsGet, Watch
from georay.serving.service import Backend, Service

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
    app.state.doors = doors = Doors()
    for router in (locating.router, chat.router, pages.listing, state.router):
        app.include_router(router, dependencies=[Depends(nothing_unknown)])
    app.include_router(pages.router)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    # The one added last stands outermost.
    app.add_middleware(BodyCap, max_bytes=limits.max_body_bytes)
    app.add_middleware(Gate, keys=keys, rates=Rates(limits.requests_per_minute, limits.burst))
    app.add_middleware(Watch, timeout_s=limits.timeout_s, metrics=metrics, doors=doors)
    app.add_middleware(HeadAsGet)
    return app
