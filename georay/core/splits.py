"""Assigns pictures to places, and places to splits."""

import hashlib
from dataclasses import dataclass
from math import cos, floor, pi, radians
from typing import Literal, Protocol

from georay.core.gazetteer import Place
from georay.core.geo import EARTH_RADIUS_KM

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
_KM_PER_DEGREE = EARTH_RADIUS_KM * pi / 180


class SplitSettings(Protocol):
    """How places are split; `georay.config.samples.SplitRecipe` explains each."""

    @property
    def by(self) -> Literal["point", "city"]: ...

    @property
    def cell_km(self) -> float: ...

    @property
    def validation(self) -> float: ...

    @property
    def test(self) -> float: ...

    @property
    def seed(self) -> int: ...


class Unusable(Exception):
    """Why a clue or a picture becomes no sample. `kind` is a short slug that counts go by."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Spot:
    """What is known of where a picture was taken: any of town and coordinates, in degrees."""

    image_id: str
    town: Place | None
    latitude: float | None
    longitude: float | None


def fraction(*parts: object) -> float:
    """A number in [0, 1) that depends on the parts alone, evenly spread."""
    text = "\0".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6]) / 2**48


def split_of(place: str, settings: SplitSettings) -> Split:
    """The split of a place, whatever other places there are and in whatever order they come."""
    at = fraction("split", settings.seed, place)
    if at < settings.test:
        return "test"
    return "validation" if at < settings.test + settings.validation else "train"


def place_of(spot: Spot, settings: SplitSettings) -> str:
    """The place that a picture is split by.

    By point: the cell of its coordinates; without them its town as a whole, and without that the
    picture itself. By city: its town. Raises Unusable for coordinates that are off the globe, and
    for a picture without a town when splitting by city.
    """
    if settings.by == "city":
        if spot.town is None:
            raise Unusable("town unknown", "splitting by city needs the picture's town")
        return f"town {spot.town.geoname_id}"
    if spot.latitude is not None and spot.longitude is not None:
        return _cell(spot.latitude, spot.longitude, settings.cell_km)
    return f"town {spot.town.geoname_id}" if spot.town else f"picture {spot.image_id}"


def _cell(latitude: float, longitude: float, side_km: float) -> str:
    """Rows of equal height, each cut into a whole number of cells about as wide as high."""
    if not (-90 <= latitude <= 90 and -360 <= longitude <= 360):
        raise Unusable(
            "bad coordinates", f"({latitude}, {longitude}) is no latitude and longitude in degrees"
        )
    height = side_km / _KM_PER_DEGREE
    row = floor((latitude + 90) / height)
    middle = (row + 0.5) * height - 90
    num_columns = max(1, round(360 * cos(radians(min(middle, 90))) / height))
    column = floor((longitude % 360) / 360 * num_columns)
    return f"cell {side_km:g} km {row} {column}"
