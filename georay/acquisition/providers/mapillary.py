"""Mapillary, API v4: images in a small box, page by page; pictures from addresses that expire.

After mapillary.com/developer/api-documentation: `GET /images` takes a bbox of less than 0.01 square
degrees, `fields` and `limit` (2,000 at most); tokens go in the header `Authorization: OAuth …`;
thumbnail addresses expire; 10,000 searches a minute. Pictures are CC BY-SA 4.0, says
mapillary.com/terms.
"""

from collections.abc import Mapping, Sequence
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
from georay.acquisition.providers.keys import required_key
from georay.acquisition.providers.paging import same_server
from georay.config.collect import MapillaryRecipe

TOKEN = "MAPILLARY_ACCESS_TOKEN"
LICENCE = "CC BY-SA 4.0"
_MAX_PAGES = 5
_FIELDS = (
    "id,captured_at,compass_angle,computed_compass_angle,geometry,computed_geometry,is_pano,"
    "creator,sequence"
)


class Mapillary:
    """Raises ValueError without a token."""

    terms = Terms(
        source="Mapillary",
        url="https://www.mapillary.com/terms",
        obligation="Pictures are CC BY-SA 4.0: name their authors, and share what you make of them "
        "alike.",
        blurs=True,
    )

    def __init__(self, recipe: MapillaryRecipe, environment: Mapping[str, str]) -> None:
        self._recipe = recipe
        self._headers = {"Authorization": f"OAuth {required_key(TOKEN, environment)}"}
        self._url_field = f"thumb_{recipe.size}_url"

    async def find(self, point: Point, radius_m: float, web: Web) -> Sequence[FoundPicture]:
        url = f"{self._recipe.base_url.rstrip('/')}/images"
        params: dict[str, str] | None = {
            "bbox": ",".join(f"{edge:.7f}" for edge in box_around(point, radius_m)),
            "fields": f"{_FIELDS},{self._url_field}",
            "limit": str(self._recipe.page_size),
        }
        rows: list[dict[str, Json]] = []
        for _ in range(_MAX_PAGES):
            answer = await web.json(url, params, self._headers)
            rows += rows_of(answer, "data")
            following = (answer.get("paging") or {}).get("next")
            if not following:
                break
            url, params = same_server(str(following), self._recipe.base_url), None
        return [found for row in rows if (found := self._found(row))]

    async def fetch(self, found: FoundPicture, heading: float, web: Web) -> bytes:  # noqa: ARG002
        return await web.picture(found.url)

    def _found(self, row: dict[str, Json]) -> FoundPicture | None:
        place = place_of(row.get("computed_geometry")) or place_of(row.get("geometry"))
        heading = number(row.get("computed_compass_angle"))
        heading = number(row.get("compass_angle")) if heading is None else heading
        if place is None or heading is None or not row.get(self._url_field):
            return None
        creator = row.get("creator")
        author = creator.get("username") if isinstance(creator, dict) else None
        return FoundPicture(
            picture_id=str(row.get("id")),
            latitude=place[0],
            longitude=place[1],
            captured_at=_moment(row.get("captured_at")),
            licence=LICENCE,
            attribution=f"{author or 'contributor'} / Mapillary, {LICENCE}",
            heading=heading % 360,
            shape="panorama" if row.get("is_pano") else "photograph",
            url=str(row[self._url_field]),
        )


def _moment(milliseconds: object) -> datetime | None:
    """Milliseconds since 1970 as a time; None if no calendar has it."""
    given = number(milliseconds)
    try:
        return None if given is None else datetime.fromtimestamp(given / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return None
