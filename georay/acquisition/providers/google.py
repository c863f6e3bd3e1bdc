"""Google Street View Static: metadata first, which is free, then a picture per heading.

After developers.google.com/maps/documentation/streetview: `metadata` (fields and statuses; no quota
is used), `request-streetview` (parameters; return_error_code instead of the grey picture),
`digital-signature` (HMAC-SHA1 of path and query with the decoded secret, both in URL-safe base64)
and `error-messages`. Storing is forbidden by the Maps Platform terms, section 3.2.3.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

from georay.acquisition.providers.base import (
    AccessRefused,
    FoundPicture,
    Json,
    NoPicture,
    Point,
    Terms,
    Web,
    number,
)
from georay.acquisition.providers.keys import required_key
from georay.config.collect import GoogleRecipe

KEY, SECRET = "GOOGLE_MAPS_API_KEY", "GOOGLE_MAPS_SIGNING_SECRET"
LICENCE = "Google Maps Platform terms"
_AGAIN = frozenset({"UNKNOWN_ERROR", "OVER_QUERY_LIMIT"})


class GoogleStreetView:
    """Raises ValueError without a key, or without the acknowledgement that storing needs."""

    terms = Terms(
        source="Google Street View Static",
        url="https://cloud.google.com/maps-platform/terms",
        obligation="Google's terms forbid to store, cache or index pictures (section 3.2.3), "
        "except as an agreement of yours with Google allows; each picture is billed.",
        blurs=True,
        free_search=True,
    )

    def __init__(self, recipe: GoogleRecipe, environment: Mapping[str, str]) -> None:
        if not recipe.i_may_store_pictures:
            raise ValueError(
                f"{self.terms.obligation} If yours does, say so in the recipe: "
                "`i_may_store_pictures: true` below `provider`"
            )
        self._recipe = recipe
        self._key = required_key(KEY, environment)
        self._secret = _decoded(environment.get(SECRET, ""))

    async def find(self, point: Point, radius_m: float, web: Web) -> Sequence[FoundPicture]:
        params = {
            "location": f"{point.latitude:.7f},{point.longitude:.7f}",
            "radius": str(max(1, round(radius_m))),
            "source": "outdoor" if self._recipe.outdoor_only else "default",
        }
        answer = await web.json(self._url("/maps/api/streetview/metadata", params), free=True)
        status = answer.get("status") if isinstance(answer, dict) else None
        if status == "REQUEST_DENIED":
            raise AccessRefused(f"Google refuses the key: {answer.get('error_message', status)}")
        if status in {"ZERO_RESULTS", "NOT_FOUND"}:
            return []
        if status != "OK":
            raise NoPicture("strange answer", f"metadata has the status {status}")
        return [found] if (found := _found(answer)) else []

    async def fetch(self, found: FoundPicture, heading: float, web: Web) -> bytes:
        params = {
            "pano": found.picture_id,
            "size": f"{self._recipe.width}x{self._recipe.height}",
            "heading": f"{heading:.2f}",
            "fov": str(self._recipe.field_of_view),
            "pitch": str(self._recipe.pitch),
            "return_error_code": "true",
        }
        return await web.picture(self._url("/maps/api/streetview", params))

    def _url(self, path: str, params: dict[str, str]) -> str:
        """A whole address, so that what is sent is what was signed."""
        signed = f"{path}?{urlencode(params | {'key': self._key})}"
        if self._secret:
            signed += f"&signature={signature(signed, self._secret)}"
        return self._recipe.base_url.rstrip("/") + signed


def signature(path_and_query: str, secret: bytes) -> str:
    """The digital signature of a request. secret: decoded."""
    signed = hmac.digest(secret, path_and_query.encode(), hashlib.sha1)
    return base64.urlsafe_b64encode(signed).decode()


def is_busy(answer: Json) -> bool:
    """Whether metadata says, in an answer with status 200, that one may ask again later."""
    return isinstance(answer, dict) and str(answer.get("status")) in _AGAIN


def _decoded(secret: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(secret)
    except binascii.Error:
        raise ValueError(
            f"{SECRET} is no URL-safe base64: copy the signing secret as Google shows it"
        ) from None


def _found(answer: Json) -> FoundPicture | None:
    location = answer.get("location")
    place = location if isinstance(location, dict) else {}
    latitude, longitude = number(place.get("lat")), number(place.get("lng"))
    if latitude is None or longitude is None or not answer.get("pano_id"):
        return None
    return FoundPicture(
        picture_id=str(answer["pano_id"]),
        latitude=latitude,
        longitude=longitude,
        captured_at=_month(answer.get("date")),
        licence=LICENCE,
        attribution=str(answer.get("copyright") or "© Google"),
        shape="any view",
    )


def _month(text: object) -> datetime | None:
    """The beginning of a month such as 2016-05, or of a year."""
    read = re.fullmatch(r"(\d{4})(?:-(0[1-9]|1[0-2]))?", str(text))
    return datetime(int(read[1]), int(read[2] or 1), 1, tzinfo=UTC) if read else None
