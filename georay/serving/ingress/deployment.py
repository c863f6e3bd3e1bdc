"""The Ray Serve deployment that speaks HTTP, and its calls to the model replicas."""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI
from ray import serve
from ray.exceptions import RayActorError
from ray.serve.exceptions import (
    BackPressureError,
    DeploymentUnavailableError,
    ReplicaUnavailableError,
)
from ray.serve.handle import DeploymentHandle

from georay.config.serve import ServeRecipe
from georay.serving.ingress.http import http_app
from georay.serving.ingress.middleware import OpenRequests
from georay.serving.ingress.refusals import Refusal, busy
from georay.serving.messages import (
    ChatJob,
    ChatOutcome,
    LocatabilityJob,
    LocatabilityOutcome,
    LocateJob,
    LocateOutcome,
    ModelCard,
    StreamPart,
)

MODEL = "Model"
RETRY_AFTER_S = 2
_COUNT_AGE_S = 1.0
_PASS_ON_S = 0.3  # the proxy still has to pass on the last answers
_LOST = (RayActorError, ReplicaUnavailableError)
_UNAVAILABLE = "the model is not available at the moment; try again soon"


class ReplicaBackend:
    """The model replicas behind one handle: Ray Serve's errors become refusals here."""

    def __init__(self, handle: DeploymentHandle) -> None:
        self._handle = handle
        self._counted: tuple[float, int] = (float("-inf"), 0)

    async def card(self) -> ModelCard:
        card: ModelCard = await self._ask("card")
        return card

    async def locate(self, job: LocateJob) -> LocateOutcome:
        outcome: LocateOutcome = await self._ask("locate", job)
        return outcome

    async def locatability(self, job: LocatabilityJob) -> LocatabilityOutcome:
        outcome: LocatabilityOutcome = await self._ask("locatability", job)
        return outcome

    async def chat(self, job: ChatJob) -> ChatOutcome:
        outcome: ChatOutcome = await self._ask("chat", job)
        return outcome

    async def locate_stream(self, job: LocateJob) -> AsyncIterator[StreamPart]:
        parts = self._handle.options(stream=True).locate_stream.remote(job)
        try:
            async for part in parts:
                yield part
        except BackPressureError:
            raise busy(RETRY_AFTER_S) from None
        except (*_LOST, DeploymentUnavailableError):
            raise Refusal("unavailable", _UNAVAILABLE, RETRY_AFTER_S) from None
        finally:
            parts.cancel()

    async def num_replicas(self) -> int:
        """Model replicas that run, as Ray Serve's controller counts them."""
        counted_at, number = self._counted
        if time.monotonic() - counted_at > _COUNT_AGE_S:
            number = await asyncio.to_thread(_running)
            self._counted = (time.monotonic(), number)
        return number

    async def _ask(self, method: str, *job: Any) -> Any:
        """One answer; asks once more where the replica died meanwhile, for answers are the same."""
        try:
            return await self._once(method, *job)
        except _LOST:
            pass
        try:
            return await self._once(method, *job)
        except _LOST:
            raise Refusal("unavailable", _UNAVAILABLE, RETRY_AFTER_S) from None

    async def _once(self, method: str, *job: Any) -> Any:
        response = getattr(self._handle, method).remote(*job)
        try:
            return await response
        except BackPressureError:
            raise busy(RETRY_AFTER_S) from None
        except DeploymentUnavailableError:
            raise Refusal("unavailable", _UNAVAILABLE, RETRY_AFTER_S) from None
        except asyncio.CancelledError:
            response.cancel()  # nobody waits any more: the replica need not answer
            raise


@serve.ingress()
class Ingress:
    """Validates and limits requests; every picture goes on to a model replica."""

    def __init__(self, recipe: ServeRecipe, model: DeploymentHandle) -> None:
        self._recipe = recipe
        self._model = model

    def __serve_build_asgi_app__(self) -> FastAPI:
        """What Ray Serve calls once the deployment is made."""
        _log_requests()
        self._http = http_app(self._recipe, ReplicaBackend(self._model))
        return self._http

    async def close(self) -> None:
        """Refuses what comes from now on; returns once all that was accepted is answered."""
        open_requests: OpenRequests = self._http.state.open_requests
        await open_requests.close(self._recipe.replicas.drain_s)
        await asyncio.sleep(_PASS_ON_S)


def _running() -> int:
    """Blocks for the controller's answer."""
    name = serve.get_replica_context().app_name
    deployment = serve.status().applications[name].deployments[MODEL]
    return int(deployment.replica_states.get("RUNNING", 0))


def _log_requests() -> None:
    """One line for each request in this worker's log, which holds ids and no content."""
    log = logging.getLogger("georay.serving")
    log.setLevel(logging.INFO)
    log.propagate = False
    if not log.handlers:
        lines = logging.StreamHandler(sys.stderr)
        lines.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(lines)
