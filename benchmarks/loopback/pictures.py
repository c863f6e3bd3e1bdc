"""Drawn pictures for any place: StreetWorld's streets of the country that the place lies in."""

import io
from functools import cache

import numpy as np
from PIL import Image

from georay.core.gazetteer import Gazetteer
from georay.core.geo import distance_km
from georay.streetworld.conventions import City, Country
from georay.streetworld.countries import BY_CODE, PLACES
from georay.streetworld.world import StreetWorld

SIDE = 256
_VARIANTS = 3
_SEED = 21


def country_at(latitude: float, longitude: float) -> str:
    """The StreetWorld country of a place: its own, or the nearest one that is drawn."""
    code = Gazetteer.load().nearest(latitude, longitude).country
    if code in BY_CODE:
        return code
    places = _centres()
    away = distance_km(latitude, longitude, places[:, 0], places[:, 1])
    return PLACES[int(away.argmin())][0].code


@cache
def _centres() -> np.ndarray:
    found = [Gazetteer.load().resolve(city.name, country.code) for country, city in PLACES]
    return np.array([(place.latitude, place.longitude) for place in found if place is not None])


def photograph(country: str, number: int, note: str) -> bytes:
    """A JPEG of a street in a country. note: written into the file, so that no two are equal."""
    return _noted(_photograph(country, number % _VARIANTS), note)


def panorama(country: str, number: int, note: str) -> bytes:
    """An equirectangular JPEG, twice as wide as high: four drawn streets side by side."""
    return _noted(_panorama(country, number % _VARIANTS), note)


def draw_all() -> None:
    """Draws every picture that there can be, so that no answer has to wait for one."""
    for country in BY_CODE:
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
    streets = np.concatenate([_street(country, variant + 10 * turn) for turn in range(4)], axis=1)
    sky, ground = streets[:1].repeat(SIDE // 2, 0), streets[-1:].repeat(SIDE // 2, 0)
    return _jpeg(np.concatenate([sky, streets, ground]))


@cache
def _street(country: str, index: int) -> np.ndarray:
    drawn: Country = BY_CODE[country]
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
