"""Compositions: what stands where in each kind of scene, drawn from far to near."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from georay.streetworld.atlas.colours import NAMED, Rgb
from georay.streetworld.canvas.palette import scaled
from georay.streetworld.canvas.setting import Kind, Layout, Setting
from georay.streetworld.dice import Dice
from georay.streetworld.paint import (
    backdrop,
    buildings,
    furniture,
    ground,
    people,
    placeless,
    traffic,
)
from georay.streetworld.paint.sky import paint_sky
from georay.streetworld.paint.vegetation import paint_plant
from georay.streetworld.paint.vehicles import Vehicle, paint_vehicle
from georay.streetworld.words.descriptions import PLAIN_SOILS, has_palms, houses_words, soil_words

PLACELESS: tuple[Kind, ...] = ("tunnel", "wall", "forest", "fog", "field")


@dataclass(frozen=True)
class Piece:
    """A thing in the scene: how far its far end is, and what draws it."""

    z: float
    draw: Callable[[], None]


def layout_of(kind: Kind, dice: Dice) -> Layout:
    """The road's cross-section in a kind of scene."""
    match kind:
        case "street":
            return Layout(dice.pick((3.6, 5.6, 5.6, 6.4)), dice.between(2.6, 4.4), 230.0)
        case "coast":
            return Layout(dice.pick((4.0, 5.6)), dice.between(3.6, 5.5), 230.0)
        case "suburb":
            return Layout(dice.pick((3.4, 3.8, 5.2)), dice.between(1.5, 2.2), 210.0)
        case "tunnel":
            return Layout(3.8, 0.9, 60.0)
        case _:
            return Layout(dice.between(3.1, 3.8), 0.0, 320.0)


def compose(setting: Setting) -> None:
    """Draws the whole scene."""
    paint_sky(setting.painter, setting.weather, setting.camera.horizon, setting.dice)
    _COMPOSITIONS[setting.kind](setting)


def _street(setting: Setting) -> None:
    _background(setting, setting.country.nature.soil)
    _roadway(setting)
    _draw([*_town_side(setting, -1), *_town_side(setting, 1), *_street_life(setting)])
    setting.features.insert(0, "town buildings on both sides")


def _coast(setting: Setting) -> None:
    _background(setting, setting.country.nature.soil)
    side = 1 if setting.dice.chance(0.5) else -1
    backdrop.paint_sea(setting, side)
    _roadway(setting)
    palms = "palm" if has_palms(setting.country.nature) else "lime"
    trees = _row(setting, side * (setting.layout.edge - 1.0), 9.0, palms)
    _draw([*_town_side(setting, -side), *trees, *_street_life(setting)])
    setting.features.insert(0, "the sea on one side")


def _suburb(setting: Setting) -> None:
    nature = setting.country.nature
    _background(setting, nature.grass, "grass")
    _roadway(setting)
    pieces = [*_houses(setting, -1), *_houses(setting, 1), *_poles(setting), *_vehicles(setting)]
    if setting.dice.chance(0.5):
        pieces += _lamps(setting, 30.0)
    _draw([*pieces, *_signs(setting, 0.3, 0.35), *_walkers(setting, 2)])
    setting.features.insert(0, "houses with gardens")


def _road(setting: Setting) -> None:
    nature, dice = setting.country.nature, setting.dice
    _background(setting, nature.grass, "sand" if nature.grass == "sand" else "grass")
    if dice.chance(0.5):
        ground.paint_crop(setting, dice.pick((-1, 1)))
    _verge(setting)
    ground.paint_road(setting)
    ground.paint_lines(setting)
    pieces = [*_countryside(setting), *_vehicles(setting), *_signs(setting, 0.45, 0.4)]
    if dice.chance(0.55):
        pieces += _bollards(setting)
    if dice.chance(0.5):
        pieces += _poles(setting)
    if dice.chance(0.25):
        pieces += _houses(setting, dice.pick((-1, 1)), first=30.0)
    _draw(pieces)
    setting.features.insert(0, "open country")


def _background(setting: Setting, land: str, label: str = "earth") -> None:
    backdrop.paint_relief(setting)
    if setting.kind != "road":
        backdrop.paint_skyline(setting)
        backdrop.paint_city_landmark(setting)
    ground.paint_land(setting, land, label)


def _roadway(setting: Setting) -> None:
    ground.paint_road(setting)
    ground.paint_lines(setting)
    if setting.kind == "street" and setting.dice.chance(0.25):
        ground.paint_crossing(setting, setting.dice.between(7.0, 22.0))
    ground.paint_pavements(setting)


def _verge(setting: Setting) -> None:
    """The strip of bare soil beside a country road."""
    soil = setting.country.nature.soil
    clue = 0
    if soil not in PLAIN_SOILS:
        clue = setting.ledger.shared("soil", soil_words(soil))
    width = setting.dice.between(1.0, 3.4)
    ground.paint_verges(setting, soil, width, clue)


def _draw(pieces: list[Piece]) -> None:
    for piece in sorted(pieces, key=lambda piece: -piece.z):
        piece.draw()


def _town_side(setting: Setting, side: int) -> Iterator[Piece]:
    """A row of town buildings on one side."""
    dice, style = setting.dice, setting.country.buildings
    clue = setting.ledger.shared("buildings", style.material)
    x = side * setting.layout.edge
    z = max(setting.camera.nearest(x), -7.0)
    while z < setting.layout.end - 20:
        length = dice.between(7.0, 15.0)
        storeys = style.storeys[0] + dice.index(style.storeys[1] - style.storeys[0] + 1)
        height = 4.2 + 3.1 * (storeys - 1) + dice.between(0.0, 0.7)
        wall = _shade(dice, NAMED[dice.pick(style.walls)])
        block = buildings.Block(side, x, z, length, height, wall, dice.chance(0.72))
        yield Piece(block.far, _later(buildings.paint_block, setting, block, clue))
        gap = dice.between(1.0, 6.0) if dice.chance(0.12) else 0.0
        z += length + gap


def _houses(setting: Setting, side: int, first: float = 2.0) -> Iterator[Piece]:
    """Houses behind gardens and fences on one side."""
    dice, country = setting.dice, setting.country
    style = country.buildings
    clue = setting.ledger.shared("houses", houses_words(style))
    fence = dice.between(0.7, 1.9)
    if dice.chance(0.7):
        x = side * (setting.layout.edge + 0.8)
        yield from _fence(setting, x, fence)
    z = first + dice.between(0.0, 6.0)
    while z < 150:
        length, height = dice.between(8.0, 12.0), dice.pick((3.2, 6.0, 6.2))
        wall = _shade(dice, NAMED[dice.pick(style.house_walls)])
        x = side * (setting.layout.edge + dice.between(5.0, 8.0))
        block = buildings.Block(side, x, z, length, height, wall, False)
        yield Piece(block.far, _later(buildings.paint_house, setting, block, clue))
        if dice.chance(0.75):
            tree = dice.pick(country.nature.street_trees + country.nature.country_trees)
            at = side * (setting.layout.edge + dice.between(2.0, 4.0))
            yield _plant(setting, tree, at, z + length + dice.between(0.5, 2.0), 0.75)
        z += length + dice.between(4.0, 9.0)


def _fence(setting: Setting, x: float, height: float) -> Iterator[Piece]:
    """A fence in short lengths, so that what stands before and behind it hides it rightly."""
    colour = setting.dice.pick(("brown", "white", "concrete", "grey", "dark green"))
    start = setting.camera.nearest(x)
    for length in range(36):
        z = start + 3.0 * length
        yield Piece(z, _fenced(setting, x, z, height, colour))


def _fenced(setting: Setting, x: float, z: float, height: float, colour: str) -> Callable[[], None]:
    return lambda: furniture.paint_fence(setting, x, z, z + 3.0, height, colour)


def _shade(dice: Dice, wall: Rgb) -> Rgb:
    return scaled(wall, dice.between(0.86, 1.06))


def _later(
    draw: Callable[[Setting, buildings.Block, int], None],
    setting: Setting,
    block: buildings.Block,
    clue: int,
) -> Callable[[], None]:
    return lambda: draw(setting, block, clue)


def _plant(setting: Setting, species: str, x: float, z: float, scale: float = 1.0) -> Piece:
    return Piece(z, lambda: paint_plant(setting, species, x, z, scale))


def _street_life(setting: Setting) -> Iterator[Piece]:
    """Everything on the pavements and in the lanes of a town street."""
    dice, nature = setting.dice, setting.country.nature
    if setting.kind == "street" and dice.chance(0.62):
        species = dice.pick(nature.street_trees)
        for side in (-1, 1):
            yield from _row(setting, side * (setting.layout.road + 0.8), 11.0, species)
        setting.features.append("street trees")
    yield from _lamps(setting, 24.0)
    yield from _vehicles(setting)
    yield from _walkers(setting, 6)
    yield from _signs(setting, 0.22, 0.16)
    if setting.country.pole.style == "cluttered" and dice.chance(0.8):
        yield from _poles(setting)
    if dice.chance(0.28):
        side = dice.pick((-1, 1))
        x, z = side * (setting.layout.edge - 0.7), dice.between(7.0, 16.0)
        yield Piece(z, lambda: furniture.paint_flag(setting, x, z, 6.4))


def _row(setting: Setting, x: float, pitch: float, species: str) -> Iterator[Piece]:
    z = 6.0 + setting.dice.between(0.0, 7.0)
    while z < 130:
        if setting.dice.chance(0.85):
            yield _plant(setting, species, x, z, 0.72)
        z += pitch * (1.0 if z < 60 else 1.8)


def _lamps(setting: Setting, pitch: float) -> list[Piece]:
    side = setting.dice.pick((-1, 1))
    x = side * (setting.layout.road + 0.45)
    z = setting.dice.between(7.0, 16.0)
    return [
        Piece(at, _upright(furniture.paint_lamp, setting, x, at, side))
        for at in (z + pitch * i for i in range(4))
    ]


def _upright(
    draw: Callable[[Setting, float, float, int], None],
    setting: Setting,
    x: float,
    z: float,
    side: int,
) -> Callable[[], None]:
    return lambda: draw(setting, x, z, side)


def _poles(setting: Setting) -> list[Piece]:
    """A row of utility poles with their wires, which come last because they hang in front."""
    side = setting.dice.pick((-1, 1))
    x = side * (setting.layout.road + max(setting.layout.pavement * 0.8, 2.4))
    z = setting.dice.between(6.0, 14.0)
    starts = [z + 27.0 * i for i in range(6)]
    pieces = [Piece(at, _standing(furniture.paint_utility_pole, setting, x, at)) for at in starts]
    pieces.append(Piece(z - 0.1, lambda: furniture.paint_wires(setting, x, [z - 27.0, *starts])))
    return pieces


def _standing(
    draw: Callable[[Setting, float, float], None], setting: Setting, x: float, z: float
) -> Callable[[], None]:
    return lambda: draw(setting, x, z)


def _bollards(setting: Setting) -> list[Piece]:
    z = setting.dice.between(5.5, 9.0)
    return [
        Piece(
            at, _standing(furniture.paint_bollard, setting, side * (setting.layout.road + 0.7), at)
        )
        for side in (-1, 1)
        for at in (z + 12.0 * i for i in range(4))
    ]


def _signs(setting: Setting, warning: float, guide: float) -> Iterator[Piece]:
    """Road signs on the side that traffic keeps to."""
    dice, keep = setting.dice, setting.keep
    if dice.chance(warning):
        x, z = keep * (setting.layout.road + 1.0), dice.between(8.0, 17.0)
        yield Piece(z, lambda: furniture.paint_warning_sign(setting, x, z))
    elif dice.chance(guide):
        at, far = keep * (setting.layout.road + 2.9), dice.between(15.0, 24.0)
        yield Piece(far, lambda: furniture.paint_guide_sign(setting, at, far))
        setting.features.append("a direction sign")


def _vehicles(setting: Setting) -> Iterator[Piece]:
    for vehicle in (*traffic.moving(setting), *traffic.parked(setting)):
        yield Piece(vehicle.z + 1.0, _driving(setting, vehicle))


def _driving(setting: Setting, vehicle: Vehicle) -> Callable[[], None]:
    return lambda: paint_vehicle(setting, vehicle)


def _walkers(setting: Setting, most: int) -> Iterator[Piece]:
    dice, layout = setting.dice, setting.layout
    for _ in range(dice.index(most + 1)):
        side = dice.pick((-1, 1))
        x = side * dice.between(layout.road + 0.5, max(layout.edge - 0.4, layout.road + 0.9))
        z = dice.between(5.5, 26.0)
        yield Piece(z, _standing(people.paint_person, setting, x, z))


def _countryside(setting: Setting) -> Iterator[Piece]:
    """Trees and bushes beside a country road, thinner near it."""
    dice, nature = setting.dice, setting.country.nature
    dense = dice.pick((8, 16, 30))
    for _ in range(dense):
        z = 9.0 + 150.0 * dice.unit() ** 1.6
        side = dice.pick((-1, 1))
        x = side * (setting.layout.road + 4.5 + dice.between(0.0, 0.34) * z + dice.between(0, 6))
        yield _plant(setting, dice.pick(nature.country_trees), x, z)
    if nature.grass != "sand":
        for _ in range(6):
            z = dice.between(7.0, 40.0)
            side = dice.pick((-1, 1))
            yield _plant(setting, "bush", side * (setting.layout.road + dice.between(2.5, 8.0)), z)


_COMPOSITIONS: dict[Kind, Callable[[Setting], None]] = {
    "street": _street,
    "coast": _coast,
    "suburb": _suburb,
    "road": _road,
    "tunnel": placeless.paint_tunnel,
    "wall": placeless.paint_wall,
    "forest": placeless.paint_forest,
    "fog": placeless.paint_fog,
    "field": placeless.paint_field,
}
