"""The routes of the page, its data, and the documentation; all of it comes from this package."""

from functools import cache
from importlib import resources
from pathlib import Path

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from georay.serving.ingress.refusals import Refusal, documented
from georay.serving.ingress.schemas import ExampleScene, ExampleScenesAnswer
from georay.serving.page import STATIC, TEMPLATES
from georay.serving.page.api_docs import docs_page
from georay.serving.page.scenes import SCENES, scene_jpeg

router = APIRouter(include_in_schema=False)
listing = APIRouter(prefix="/v1", tags=["page"])

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOR_A_DAY = {"Cache-Control": "max-age=86400"}


@router.get("/")
async def page() -> FileResponse:
    """The page that people use."""
    return FileResponse(STATIC / "index.html", media_type="text/html; charset=utf-8")


@router.get("/static/{name}")
async def static(name: str) -> FileResponse:
    """The page's styles and scripts: exactly the files of the folder."""
    kind = _TYPES.get(Path(name).suffix)
    if kind is None or name not in _static_names():
        raise Refusal("not_found", "there is no such file")
    return FileResponse(STATIC / name, media_type=kind)


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """The routes in words, without a script: the page's own rules forbid what others load."""
    return HTMLResponse(docs_page(request.app.openapi()))


@router.get("/docs.css")
async def docs_style() -> FileResponse:
    """How the documentation looks."""
    return FileResponse(TEMPLATES / "docs.css", media_type="text/css")


@listing.get("/world", response_class=Response)
async def world() -> Response:
    """The outline of land and countries, of Natural Earth, as the page's map draws it."""
    return Response(_world(), media_type="application/json", headers=_FOR_A_DAY)


@listing.get("/samples")
async def samples() -> ExampleScenesAnswer:
    """Drawn scenes to try; they are no photographs."""
    return ExampleScenesAnswer(
        samples=[
            ExampleScene(
                name=f"drawn-scene-{number + 1}.jpg",
                url=f"/v1/samples/{number}.jpg",
                title=f"Drawn scene {number + 1}",
            )
            for number in range(len(SCENES))
        ]
    )


@listing.get(
    "/samples/{number}.jpg",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, **documented("not_found", "invalid")},
)
async def sample_picture(number: int) -> Response:
    """One drawn scene."""
    if not 0 <= number < len(SCENES):
        raise Refusal("not_found", f"there are {len(SCENES)} samples, numbered from 0")
    drawn = await to_thread.run_sync(scene_jpeg, number)
    return Response(drawn, media_type="image/jpeg", headers=_FOR_A_DAY)


@cache
def _static_names() -> frozenset[str]:
    return frozenset(path.name for path in STATIC.iterdir() if path.is_file())


@cache
def _world() -> bytes:
    return resources.files("georay.core").joinpath("world_outline.json").read_bytes()
