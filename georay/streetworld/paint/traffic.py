"""Which vehicles are where: parked rows, moving traffic, and the ones that tell a place."""

from collections.abc import Iterator

from georay.streetworld.atlas.schema import Plate
from georay.streetworld.canvas.setting import Setting
from georay.streetworld.paint.vehicles import BODIES, Vehicle, ordinary_colour
from georay.streetworld.words.descriptions import (
    bus_body,
    bus_words,
    driving_words,
    plate_words,
    taxi_words,
    tram_words,
)

_PRIVATE = ("saloon", "hatchback", "saloon", "hatchback", "van")


def moving(setting: Setting) -> Iterator[Vehicle]:
    """Vehicles in the lanes: oncoming traffic shows the driving side, buses and taxis the city."""
    dice, keep = setting.dice, setting.keep
    lane = min(1.75, setting.layout.road / 2)
    oncoming = dice.between(9.0, 26.0)
    urban = setting.kind in ("street", "coast")
    if dice.chance(0.72 if urban else 0.55):
        clue = setting.ledger.new("driving side", driving_words(setting.country))
        yield _private(setting, -keep * lane, oncoming, True, clue)
        setting.features.append("oncoming traffic")
    oncoming += dice.between(9.0, 22.0)
    if urban and dice.chance(0.34):
        yield _taxi(setting, -keep * lane, oncoming, True)
        oncoming += 12.0
    ahead = dice.between(9.0, 20.0)
    if urban and dice.chance(0.3):
        yield _taxi(setting, keep * lane, ahead, False)
        ahead += dice.between(9.0, 16.0)
    elif dice.chance(0.3):
        yield _private(setting, keep * lane, ahead, False, 0)
        ahead += dice.between(8.0, 16.0)
    if urban and dice.chance(0.34):
        yield _bus(setting, *_either_lane(setting, lane, ahead, oncoming))


def _either_lane(
    setting: Setting, lane: float, ahead: float, oncoming: float
) -> tuple[float, float, bool]:
    if setting.dice.chance(0.5):
        return setting.keep * lane, ahead, False
    return -setting.keep * lane, oncoming, True


def parked(setting: Setting) -> Iterator[Vehicle]:
    """Cars along both kerbs; on the far side they face the camera."""
    dice = setting.dice
    if setting.layout.road < 4.6:
        return
    for side in (-1, 1):
        z = dice.between(3.5, 10.0)
        while z < 62:
            if dice.chance(0.55):
                yield _private(
                    setting, side * (setting.layout.road - 1.1), z, side != setting.keep, 0
                )
            z += dice.between(5.6, 9.0)


def _plate_of(setting: Setting) -> Plate:
    return setting.city.plate or setting.country.plate


def _private(setting: Setting, x: float, z: float, oncoming: bool, clue: int) -> Vehicle:
    body = setting.dice.pick(_PRIVATE)
    plate = _plate_of(setting)
    number = _plate_clue(setting, z, oncoming)
    colour = ordinary_colour(setting)
    return Vehicle(BODIES[body], colour, x, z, oncoming, clue, plate_clue=number, plate=plate)


def _plate_clue(setting: Setting, z: float, oncoming: bool) -> int:
    """A clue number for a plate near enough to be drawn; 0 where the car carries none."""
    plate = _plate_of(setting)
    if z > 26 or (oncoming and plate.front is None):
        return 0
    return setting.ledger.new("plate", plate_words(plate, oncoming))


def _taxi(setting: Setting, x: float, z: float, oncoming: bool) -> Vehicle:
    colour, livery = setting.city.taxi
    body = livery if livery in ("cab", "songthaew") else "saloon"
    clue = setting.ledger.new("taxi", taxi_words(setting.city))
    setting.features.append(f"a {colour} taxi")
    number = _plate_clue(setting, z, oncoming)
    return Vehicle(
        BODIES[body],
        colour,
        x,
        z,
        oncoming,
        clue,
        livery,
        number,
        _plate_of(setting),
        roof_sign=True,
    )


def _bus(setting: Setting, x: float, z: float, oncoming: bool) -> Vehicle:
    """A city bus, or a tram where the city has them."""
    dice, city, country = setting.dice, setting.city, setting.country
    board = dice.pick(city.districts)
    if city.tram and dice.chance(0.55):
        clue = setting.ledger.new("tram", tram_words(city))
        setting.features.append(f"a {city.tram} tram")
        return Vehicle(
            BODIES["tram"],
            city.tram,
            x,
            z,
            oncoming,
            clue,
            board=board,
            script=country.signs.script,
        )
    colour = city.bus or country.bus
    body = bus_body(country)
    clue = setting.ledger.new("bus", bus_words(country, city))
    setting.features.append(f"a {colour} bus")
    return Vehicle(
        BODIES[body],
        colour,
        x,
        z,
        oncoming,
        clue,
        plate=_plate_of(setting),
        board=board,
        script=country.signs.script,
    )
