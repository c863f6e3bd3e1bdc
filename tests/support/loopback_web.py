"""Providers asked on loopback, within a quota, as a worker asks them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import TypeAdapter

from benchmarks.loopback.server import environment
from georay.acquisition.download.limiter import RateLimiter, Window
from georay.acquisition.download.web import HttpWeb, http_client
from georay.acquisition.providers import Point, Provider, load_provider
from georay.acquisition.providers.google import is_busy
from georay.config.collect import ProviderRecipe, RequestsRecipe

IMPATIENT = RequestsRecipe(tries=3, timeout_s=2, backoff_s=0.02, max_bytes=1 << 20)
PARIS = Point("p1", 48.86, 2.35, "Paris", "FR", 30.0)


def provider_of(name: str, base: str, **settings: object) -> Provider:
    """A provider with the keys that the loopback servers let in."""
    content: dict[str, object] = {"name": name, "base_url": f"{base}/{name}", **settings}
    if name == "google":
        content.setdefault("i_may_store_pictures", True)
    recipe: Any = TypeAdapter(ProviderRecipe).validate_python(content)
    return load_provider(recipe, environment())


def asked(
    ask: Callable[[HttpWeb], Awaitable[Any]],
    requests: RequestsRecipe = IMPATIENT,
    gate: object | None = None,
) -> Any:
    """What `ask` returns when it is given the web."""

    async def run() -> Any:
        limiter = gate or RateLimiter([Window(1000, 1.0)], None)
        async with http_client(requests, 8) as client:
            return await ask(HttpWeb(client, limiter, requests, is_busy))

    return asyncio.run(run())
