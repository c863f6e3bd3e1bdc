"""The protocol of street view providers: find pictures near a point, and fetch one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from georay.core.geo import distance_km
from georay.errors import GeorayError

Json = Any
Shape = Literal["photograph", "panorama", "any view"]


@dataclass(frozen=True, slots=True)
class Point:
    """A sampling point. heading_road: degrees clockwise from north; None where it is not known."""

    point_id: str
    latitude: float
    longitude: float
    city: str | None = None
    country: str | None = None
    heading_road: float | None = None


@dataclass(frozen=True, slots=True)
class FoundPicture:
    """A picture, or a panorama, that a provider has near a point.

    shape: "photograph" looks one way; the file of a "panorama" is equirectangular, its middle at
    `heading`; "any view" is drawn by the provider as it is asked for. heading: degrees clockwise
    from north; None where it is not known. url: of the file, if it has one of its own.
    """

    picture_id: str
    latitude: float
    longitude: float
    captured_at: datetime | None
    licence: str
    attribution: str
    heading: float | None = None
    shape: Shape = "photograph"
    url: str = ""

    def turn(self, heading: float) -> float:
        """Degrees between where it looks and a heading, from 0 to 180; 0 if it can look there."""
        if self.shape != "photograph" or self.heading is None:
            return 0.0
        return abs((self.heading - heading + 180) % 360 - 180)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a provider asks of those who take its pictures.

    blurs: whether it makes faces and plates unreadable itself. free_search: whether asking what is
    there counts to no quota of the day and costs nothing. obligation: one sentence for a person.
    """

    source: str
    url: str
    obligation: str
    blurs: bool
    free_search: bool = False


class NoPicture(GeorayError):
    """No picture can be fetched. `kind` is a short slug that summaries count by."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class AccessRefused(GeorayError):
    """The provider does not let this key in, so no further request will do better."""


class QuotaUsedUp(GeorayError):
    """The quota of the day is used up."""


class Web(Protocol):
    """Requests as the providers make them: within the quota, with further tries, and in bounds."""

    async def json(
        self,
        url: str,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        free: bool = False,
    ) -> Json:
        """The JSON of an answer; free: it counts to no quota of the day.

        Raises NoPicture if there is none, AccessRefused, or QuotaUsedUp.
        """

    async def picture(self, url: str) -> bytes:
        """The bytes of a picture, as they came. Raises as `json` does."""


class Provider(Protocol):
    """A source of street views. Its methods are called for many points at once."""

    terms: Terms

    async def find(self, point: Point, radius_m: float, web: Web) -> Sequence[FoundPicture]:
        """What is near a point, in no order; empty where nothing is. Raises as `Web.json`."""

    async def fetch(self, found: FoundPicture, heading: float, web: Web) -> bytes:
        """The file, looking to `heading` if it can be asked for that. Raises as `Web.picture`."""


def metres(point: Point, found: FoundPicture) -> float:
    """How far a picture is from its point."""
    kilometres = distance_km(point.latitude, point.longitude, found.latitude, found.longitude)
    return float(kilometres) * 1000


def box_around(point: Point, radius_m: float) -> tuple[float, float, float, float]:
    """West, south, east and north of a square that holds the circle, in degrees."""
    up = radius_m / 111_195
    across = up / max(math.cos(math.radians(point.latitude)), 1e-6)
    return (
        max(point.longitude - across, -180.0),
        max(point.latitude - up, -90.0),
        min(point.longitude + across, 180.0),
        min(point.latitude + up, 90.0),
    )


def number(value: object) -> float | None:
    """A finite number, also if it is written as text; None for anything else."""
    try:
        read = float(str(value))
    except ValueError:
        return None
    return read if math.isfinite(read) else None


def place_of(geometry: Json) -> tuple[float, float] | None:
    """Latitude and longitude of a GeoJSON point; None if it is none."""
    coordinates = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if not isinstance(coordinates, list) or len(coordinates) < 2:
        return None
    longitude, latitude = number(coordinates[0]), number(coordinates[1])
    if longitude is None or latitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return latitude, longitude


def rows_of(answer: Json, *path: str) -> list[dict[str, Json]]:
    """The objects of a list in an answer. Raises NoPicture if the answer is of another form."""
    for name in path:
        answer = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(answer, list):
        raise NoPicture("strange answer", f"the answer has no list {'.'.join(path)}")
    return [row for row in answer if isinstance(row, dict)]
