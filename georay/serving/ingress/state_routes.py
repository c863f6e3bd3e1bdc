"""The routes of health, readiness and metrics."""

from fastapi import APIRouter
from fastapi.responses import Response

from georay.serving.ingress.locate_routes import Served
from georay.serving.ingress.metrics import CONTENT_TYPE
from georay.serving.ingress.refusals import Refusal, documented
from georay.serving.ingress.schemas import StateAnswer

router = APIRouter(tags=["state"])


@router.get("/healthz")
async def healthz() -> StateAnswer:
    """The ingress lives."""
    return StateAnswer(status="ok")


@router.get("/readyz", responses=documented("unavailable"))
async def readyz(service: Served) -> StateAnswer:
    """A model replica can answer, or one will start when it is asked (with `replicas.min` 0)."""
    if service.recipe.replicas.min > 0 and not await service.backend.num_replicas():
        raise Refusal("unavailable", "no model replica is ready yet; try again soon", 5)
    return StateAnswer(status="ready")


@router.get("/metrics", response_class=Response, responses=documented("unauthorised"))
async def metrics(service: Served) -> Response:
    """Counts in Prometheus' text format."""
    text = service.metrics.text(await service.backend.num_replicas())
    return Response(text, media_type=CONTENT_TYPE)
