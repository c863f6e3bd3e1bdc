"""KartaView (once OpenStreetCam), API 2.0: photographs near a place, page by page.

After api.openstreetcam.org/api/doc.html and the answers of `GET /2.0/photo/`: lat, lng, radius,
itemsPerPage (100 at most) and page; the list is result.data, result.hasMoreData says whether there
is more, and status.apiCode is 600 for success, also where HTTP says 200 to everything. Addresses
hold {{sizeprefix}}. Pictures are CC BY-SA 4.0 (kartaview.org/terms).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from georay.acquisition.providers.base import (
    AccessRefused,
    FoundPicture,
    Json,
    NoPicture,
    Point,
    Terms,
    Web,
    number,
    rows_of,
)
from georay.config.collect import KartaViewRecipe

TOKEN = "KARTAVIEW_ACCESS_TOKEN"
LICENCE = "CC BY-SA 4.0"
_MAX_PAGES = 5
_FINE, _NOT_LET_IN = 600, frozenset({401, 403})


class KartaView:
    """Needs no token; one is sent if the environment has it."""

    terms = Terms(
        source="KartaView",
        url="https://kartaview.org/terms",
        obligation="Pictures are CC BY-SA 4.0: name KartaView and their authors, and share what "
        "you make of them alike.",
        blurs=True,
    )

    def __init__(self, recipe: KartaViewRecipe, environment: Mapping[str, str]) -> None:
        self._recipe = recipe
        self._token = environment.get(TOKEN, "").strip()

    async def find(self, point: Point, radius_m: float, web: Web) -> Sequence[FoundPicture]:
        url = f"{self._recipe.base_url.rstrip('/')}/2.0/photo/"
        params = {
            "lat": f"{point.latitude:.7f}",
            "lng": f"{point.longitude:.7f}",
            "radius": str(max(1, round(radius_m))),
            "itemsPerPage": str(self._recipe.page_size),
            "join": "user",
        }
        if self._token:
            params["access_token"] = self._token
        rows: list[dict[str, Json]] = []
        for page in range(1, _MAX_PAGES + 1):
            answer = await web.json(url, params | {"page": str(page)})
            _check(answer)
            rows += rows_of(answer, "result", "data")
            if not answer["result"].get("hasMoreData"):
                break
        return [found for row in rows if (found := self._found(row))]

    async def fetch(self, found: FoundPicture, heading: float, web: Web) -> bytes:  # noqa: ARG002
        return await web.picture(found.url)

    def _found(self, row: dict[str, Json]) -> FoundPicture | None:
        latitude, longitude = number(row.get("lat")), number(row.get("lng"))
        heading, template = number(row.get("heading")), str(row.get("fileurl") or "")
        if None in (latitude, longitude, heading) or "{{sizeprefix}}" not in template:
            return None
        assert latitude is not None and longitude is not None and heading is not None
        user = row.get("user")
        author = user.get("username") if isinstance(user, dict) else None
        return FoundPicture(
            picture_id=str(row.get("id")),
            latitude=latitude,
            longitude=longitude,
            captured_at=_moment(row.get("shotDate")) or _moment(row.get("dateAdded")),
            licence=LICENCE,
            attribution=f"{author or 'contributor'} / KartaView, {LICENCE}",
            heading=heading % 360,
            shape="panorama" if "SPHERE" in str(row.get("projection")).upper() else "photograph",
            url=template.replace("{{sizeprefix}}", self._recipe.size),
        )


def _check(answer: Json) -> None:
    """Raises AccessRefused or NoPicture where the API's own code is not that of success."""
    status = answer.get("status") if isinstance(answer, dict) else None
    status = status if isinstance(status, dict) else {}
    code = number(status.get("apiCode"))
    if code in _NOT_LET_IN:
        raise AccessRefused(f"KartaView refuses: {status.get('apiMessage')}; set {TOKEN}")
    if code != _FINE:
        raise NoPicture("strange answer", f"KartaView says {status.get('apiMessage') or code}")


def _moment(text: object) -> datetime | None:
    """A time as KartaView writes it, which is in UTC."""
    try:
        return datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
