"""Panoramax: pictures of many open servers, found through one STAC API.

After docs.panoramax.fr/api (differences from STAC 1.0) and the API's own openapi.json: `GET
/api/search` takes bbox and limit, further pages are links of rel `next`; an item has the assets hd,
sd and thumb, `view:azimuth`, a field of view of 360 if it is a panorama, its licence and producer.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from georay.acquisition.providers.base import (
    FoundPicture,
    Json,
    Point,
    Terms,
    Web,
    box_around,
    number,
    place_of,
    rows_of,
)
from georay.acquisition.providers.paging import same_server
from georay.config.collect import PanoramaxRecipe

_MAX_PAGES = 5


class Panoramax:
    """Needs no key."""

    terms = Terms(
        source="Panoramax",
        url="https://panoramax.fr",
        obligation="Each picture names its open licence (CC BY-SA 4.0, Licence Ouverte 2.0 …): "
        "name its producer, and keep to that licence.",
        blurs=True,
    )

    def __init__(self, recipe: PanoramaxRecipe) -> None:
        self._recipe = recipe

    async def find(self, point: Point, radius_m: float, web: Web) -> Sequence[FoundPicture]:
        url = f"{self._recipe.base_url.rstrip('/')}/api/search"
        params: dict[str, str] | None = {
            "bbox": ",".join(f"{edge:.7f}" for edge in box_around(point, radius_m)),
            "limit": str(self._recipe.page_size),
        }
        rows: list[dict[str, Json]] = []
        for _ in range(_MAX_PAGES):
            answer = await web.json(url, params)
            rows += rows_of(answer, "features")
            following = _next_page(answer)
            if following is None:
                break
            url, params = same_server(following, self._recipe.base_url), None
        return [found for row in rows if (found := self._found(row))]

    async def fetch(self, found: FoundPicture, heading: float, web: Web) -> bytes:  # noqa: ARG002
        return await web.picture(found.url)

    def _found(self, item: dict[str, Json]) -> FoundPicture | None:
        facts = item.get("properties") or {}
        asset = (item.get("assets") or {}).get(self._recipe.size) or {}
        place, heading = place_of(item.get("geometry")), number(facts.get("view:azimuth"))
        if place is None or heading is None or not asset.get("href"):
            return None
        lens = facts.get("pers:interior_orientation") or {}
        licence = str(facts.get("license") or "not stated")
        return FoundPicture(
            picture_id=str(item.get("id")),
            latitude=place[0],
            longitude=place[1],
            captured_at=_moment(facts.get("datetime")),
            licence=licence,
            attribution=f"{_producer(item)} / Panoramax, {licence}",
            heading=heading % 360,
            shape="panorama" if number(lens.get("field_of_view")) == 360 else "photograph",
            url=str(asset["href"]),
        )


def _next_page(answer: Json) -> str | None:
    links = answer.get("links") or []
    found = [link for link in links if isinstance(link, dict) and link.get("rel") == "next"]
    return str(found[0]["href"]) if found and found[0].get("href") else None


def _producer(item: dict[str, Json]) -> str:
    if name := (item.get("properties") or {}).get("geovisio:producer"):
        return str(name)
    named = [
        str(one["name"])
        for one in item.get("providers") or []
        if isinstance(one, dict) and one.get("name") and "producer" in (one.get("roles") or [])
    ]
    return ", ".join(named) or "contributor"


def _moment(text: object) -> datetime | None:
    try:
        read = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
