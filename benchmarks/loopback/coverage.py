"""What there is at a place, the same for the same place: drawn by a hash of its coordinates."""

import math
from dataclasses import dataclass
from hashlib import blake2b

_AWAY_M = 18.0
_DEGREE_M = 111_195.0


@dataclass(frozen=True)
class Shot:
    """A picture of the emulated provider. name: says everything else, so that no state is kept."""

    name: str
    latitude: float
    longitude: float
    heading: float
    is_panorama: bool
    month: int
    year: int


def shots_near(latitude: float, longitude: float, share_covered: float) -> list[Shot]:
    """One panorama at a third of the covered places, else five photographs that look around."""
    key = f"{latitude:.5f},{longitude:.5f}"
    if _draw(key, "covered") >= share_covered:
        return []
    if _draw(key, "panorama") < 1 / 3:
        return [_shot(key, 0, True)]
    return [_shot(key, number, False) for number in range(5)]


def shot_named(name: str) -> Shot:
    """The shot of a name that a server gave away. Raises ValueError for another name."""
    key, number, shape = name.replace("_", ",").split("~")
    return _shot(key, int(number), shape == "p")


def _shot(key: str, number: int, is_panorama: bool) -> Shot:
    latitude, longitude = map(float, key.split(","))
    turn, far = 2 * math.pi * _draw(key, f"turn{number}"), _AWAY_M * _draw(key, f"far{number}")
    north, east = far * math.cos(turn), far * math.sin(turn)
    squeeze = math.cos(math.radians(latitude)) * _DEGREE_M
    return Shot(
        name=f"{key.replace(',', '_')}~{number}~{'p' if is_panorama else 'f'}",
        latitude=round(latitude + north / _DEGREE_M, 7),
        longitude=round(longitude + east / squeeze, 7),
        heading=round((90 * number + 40 * (_draw(key, f"look{number}") - 0.5)) % 360, 2),
        is_panorama=is_panorama,
        month=1 + int(12 * _draw(key, "month")),
        year=2015 + int(10 * _draw(key, "year")),
    )


def _draw(key: str, what: str) -> float:
    """A number in [0, 1) that is always the same for the same key."""
    return int.from_bytes(blake2b(f"{key}/{what}".encode(), digest_size=6).digest()) / 2**48
