"""Drawn pictures for any place: StreetWorld's streets of the country that the place lies in."""

import io
from functools import cache
from hashlib import blake2b

import numpy as np
from PIL import Image

from georay.core.gazetteer import Gazetteer
from georay.core.geo import distance_km
from georay.streetworld.atlas.atlas import Atlas
from georay.streetworld.atlas.schema import City, Country
from georay.streetworld.dice import Dice
from georay.streetworld.world import KINDS_OF_SCENE, StreetWorld

SIDE = 256
_VARIANTS = 3
_SEED = 21


def country_at(latitude: float, longitude: float) -> str:
    """The StreetWorld country of a place: its own, or the nearest one that is drawn."""
    code = Gazetteer.load().nearest(latitude, longitude).country
    if code in Atlas.load().by_code:
        return code
    places = _centres()
    away = distance_km(latitude, longitude, places[:, 0], places[:, 1])
    return Atlas.load().places[int(away.argmin())][0].code


@cache
def _centres() -> np.ndarray:
    found = [
        Gazetteer.load().resolve(city.name, country.code) for country, city in Atlas.load().places
    ]
    return np.array([(place.latitude, place.longitude) for place in found if place is not None])


class FewStreets:
    """Three streets of each country, so that no answer has to wait for a picture."""

    def photograph(self, latitude: float, longitude: float, number: int, note: str) -> bytes:
        """A JPEG of a street. note: written into the file, so that no two are equal."""
        country = country_at(latitude, longitude)
        return _noted(_photograph(country, number % _VARIANTS), f"{country} {note}")

    def panorama(self, latitude: float, longitude: float, number: int, note: str) -> bytes:
        """An equirectangular JPEG, twice as wide as high: four drawn streets side by side."""
        country = country_at(latitude, longitude)
        return _noted(_panorama(country, number % _VARIANTS), f"{country} {note}")


class OwnStreets:
    """Every place has a street of its own, drawn when it is asked for, in the nearest drawn town.

    Some are streets without a clue, as StreetWorld has them: a wall, a tunnel, a field in fog.
    """

    def photograph(self, latitude: float, longitude: float, number: int, note: str) -> bytes:
        """As FewStreets; number and note decide which street it is."""
        index = _number(f"{number} {note}")
        return _noted(_jpeg(_own_street(latitude, longitude, index, 0)), note)

    def panorama(self, latitude: float, longitude: float, number: int, note: str) -> bytes:
        """As FewStreets; the four streets are of one kind and town."""
        index = _number(f"{number} {note}")
        views = [_own_street(latitude, longitude, index, turn) for turn in range(4)]
        return _noted(_jpeg(_round_about(views)), note)


def _number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest())


def _own_street(latitude: float, longitude: float, index: int, turn: int) -> np.ndarray:
    country, city = _drawn_town(latitude, longitude)
    kind = Dice(_SEED, index, 3).weighted(KINDS_OF_SCENE)
    kind = "street" if kind == "coast" and not city.sea else kind
    return StreetWorld(_SEED, SIDE).scene_of(4 * index + turn, country, city, kind).image


Streets = FewStreets | OwnStreets


def _drawn_town(latitude: float, longitude: float) -> tuple[Country, City]:
    """The drawn town nearest to a place in the country that is drawn for it."""
    country = country_at(latitude, longitude)
    centres = _centres()
    away = distance_km(latitude, longitude, centres[:, 0], centres[:, 1])
    away[[place.code != country for place, _ in Atlas.load().places]] = np.inf
    return Atlas.load().places[int(away.argmin())]


def draw_all() -> None:
    """Draws every picture of FewStreets."""
    for country in Atlas.load().by_code:
        for variant in range(_VARIANTS):
            _photograph(country, variant)
            _panorama(country, variant)


@cache
def no_imagery() -> bytes:
    """A flat grey plate with a few dark letters' worth of pixels, as Google shows for nothing."""
    plate = np.full((SIDE, SIDE, 3), (228, 226, 223), np.uint8)
    plate[SIDE // 2 : SIDE // 2 + 6, SIDE // 4 : 3 * SIDE // 4 : 3] = 90
    return _jpeg(plate)


@cache
def _photograph(country: str, variant: int) -> bytes:
    return _jpeg(_street(country, variant))


@cache
def _panorama(country: str, variant: int) -> bytes:
    return _jpeg(_round_about([_street(country, variant + 10 * turn) for turn in range(4)]))


def _round_about(views: list[np.ndarray]) -> np.ndarray:
    """Views side by side, with sky above and ground below them, twice as wide as high."""
    streets = np.concatenate(views, axis=1)
    sky, ground = streets[:1].repeat(SIDE // 2, 0), streets[-1:].repeat(SIDE // 2, 0)
    return np.concatenate([sky, streets, ground])


@cache
def _street(country: str, index: int) -> np.ndarray:
    drawn: Country = Atlas.load().by_code[country]
    city: City = drawn.cities[index % len(drawn.cities)]
    return StreetWorld(_SEED, SIDE).scene_of(index, drawn, city, "street").image


def _jpeg(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _noted(jpeg: bytes, note: str) -> bytes:
    """The JPEG with a comment behind its first marker."""
    text = note.encode()
    return jpeg[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + jpeg[2:]
