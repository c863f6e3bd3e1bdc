"""Cars, vans, trucks, buses and trams as small solids in perspective, with plates and liveries."""

from dataclasses import dataclass
from itertools import pairwise

import skia

from georay.streetworld.atlas.colours import NAMED, Rgb
from georay.streetworld.atlas.schema import Plate
from georay.streetworld.canvas.camera import NEAR
from georay.streetworld.canvas.lettering import lettered
from georay.streetworld.canvas.painter import Stroke, ellipse, polygon, rectangle
from georay.streetworld.canvas.palette import mix, scaled
from georay.streetworld.canvas.setting import Setting

Outline = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Body:
    """A vehicle's shape. Outlines: (metres from the tail, height), clockwise from below."""

    label: str
    length: float
    width: float
    hull: Outline
    cabin: Outline
    windows: tuple[Outline, ...]
    wheels: tuple[float, ...]
    radius: float = 0.33


BODIES: dict[str, Body] = {
    "saloon": Body(
        "car",
        4.5,
        1.8,
        ((0.0, 0.3), (0.0, 0.85), (0.25, 0.98), (3.4, 0.98), (4.35, 0.78), (4.5, 0.3)),
        ((0.5, 0.96), (1.15, 1.44), (2.5, 1.44), (3.4, 0.96)),
        (
            ((0.85, 1.0), (1.25, 1.36), (1.8, 1.38), (1.8, 1.0)),
            ((1.9, 1.0), (1.9, 1.38), (2.42, 1.36), (3.05, 1.0)),
        ),
        (0.85, 3.65),
    ),
    "hatchback": Body(
        "car",
        3.9,
        1.72,
        ((0.0, 0.3), (0.0, 0.95), (3.0, 1.0), (3.75, 0.82), (3.9, 0.3)),
        ((0.05, 0.95), (0.3, 1.48), (2.0, 1.5), (2.95, 0.98)),
        (
            ((0.45, 1.02), (0.55, 1.4), (1.35, 1.42), (1.35, 1.02)),
            ((1.45, 1.02), (1.45, 1.42), (1.95, 1.4), (2.6, 1.02)),
        ),
        (0.7, 3.15),
    ),
    "cab": Body(
        "car",
        4.55,
        1.85,
        ((0.0, 0.32), (0.0, 0.95), (3.4, 1.05), (4.4, 0.98), (4.55, 0.32)),
        ((0.1, 0.98), (0.35, 1.78), (2.5, 1.82), (3.2, 1.04)),
        (
            ((0.45, 1.08), (0.55, 1.66), (1.55, 1.7), (1.55, 1.08)),
            ((1.65, 1.08), (1.65, 1.7), (2.4, 1.7), (2.9, 1.08)),
        ),
        (0.8, 3.65),
    ),
    "songthaew": Body(
        "car",
        4.9,
        1.8,
        ((0.0, 0.4), (0.0, 0.95), (4.0, 1.0), (4.75, 0.9), (4.9, 0.4)),
        ((0.1, 0.95), (0.15, 2.0), (2.7, 2.0), (3.3, 1.5), (3.8, 1.0)),
        (
            ((0.3, 1.2), (0.3, 1.8), (2.4, 1.8), (2.4, 1.2)),
            ((2.7, 1.1), (2.75, 1.6), (3.15, 1.5), (3.5, 1.1)),
        ),
        (0.9, 4.0),
        0.36,
    ),
    "van": Body(
        "van",
        5.2,
        2.0,
        ((0.0, 0.35), (0.0, 1.1), (4.3, 1.15), (5.1, 1.0), (5.2, 0.35)),
        ((0.0, 1.1), (0.08, 2.3), (3.7, 2.3), (4.5, 1.15)),
        (((3.0, 1.25), (3.0, 1.95), (3.6, 1.95), (4.1, 1.25)),),
        (0.95, 4.2),
        0.36,
    ),
    "bus": Body(
        "bus",
        11.0,
        2.5,
        ((0.0, 0.35), (0.0, 1.2), (11.0, 1.2), (11.0, 0.35)),
        ((0.0, 1.2), (0.05, 3.05), (10.9, 3.05), (11.0, 1.2)),
        (((0.4, 1.4), (0.4, 2.5), (10.5, 2.5), (10.5, 1.4)),),
        (2.4, 8.4),
        0.48,
    ),
    "double-decker": Body(
        "bus",
        10.5,
        2.5,
        ((0.0, 0.35), (0.0, 1.3), (10.5, 1.3), (10.5, 0.35)),
        ((0.0, 1.3), (0.05, 4.35), (10.4, 4.35), (10.5, 1.3)),
        (
            ((0.4, 1.4), (0.4, 2.2), (10.1, 2.2), (10.1, 1.4)),
            ((0.4, 2.9), (0.4, 3.8), (10.1, 3.8), (10.1, 2.9)),
        ),
        (2.4, 8.0),
        0.48,
    ),
    "tram": Body(
        "bus",
        15.0,
        2.4,
        ((0.0, 0.2), (0.0, 1.2), (15.0, 1.2), (15.0, 0.2)),
        ((0.0, 1.2), (0.25, 3.3), (14.75, 3.3), (15.0, 1.2)),
        (((0.7, 1.4), (0.7, 2.6), (14.3, 2.6), (14.3, 1.4)),),
        (),
        0.4,
    ),
}
_PAINTS = ("white", "silver", "grey", "black", "navy", "red", "white", "dark grey", "beige")


@dataclass(frozen=True)
class Vehicle:
    """One vehicle on the road: its tail or nose nearest to the camera is at `z`."""

    body: Body
    colour: str
    x: float
    z: float
    oncoming: bool
    clue: int = 0
    livery: str = "saloon"
    plate_clue: int = 0
    plate: Plate | None = None
    board: str = ""
    script: str = "latin"
    roof_sign: bool = False

    def along(self, t: float) -> float:
        """Distance along the road of a point `t` metres from the tail."""
        return self.z + (self.body.length - t if self.oncoming else t)


def paint_vehicle(setting: Setting, vehicle: Vehicle) -> None:
    """A vehicle with its shadow; nothing where it would reach behind the camera."""
    body, camera = vehicle.body, setting.camera
    if camera.depth(vehicle.x, vehicle.z) < NEAR + 1.2:
        return
    _shadow(setting, vehicle)
    top, bottom = NAMED[vehicle.colour], NAMED[vehicle.colour]
    if vehicle.livery.endswith(" roof"):
        top = NAMED[vehicle.livery.removesuffix(" roof")]
    if vehicle.livery.endswith(" wings"):
        top = NAMED[vehicle.livery.removesuffix(" wings")]
    stroke = Stroke(body.label, vehicle.clue)
    _solid(setting, vehicle, body.hull, 1.0, 1.0, bottom, stroke)
    _solid(setting, vehicle, body.cabin, 0.96, 0.86 if body.label == "car" else 0.95, top, stroke)
    _side(setting, vehicle)
    _end(setting, vehicle)


def _shadow(setting: Setting, vehicle: Vehicle) -> None:
    half = vehicle.body.width / 2 + 0.12
    setting.painter.use(setting.camera.ground())
    end = vehicle.z + vehicle.body.length
    dark = rectangle(vehicle.x - half, vehicle.z - 0.25, vehicle.x + half, end)
    setting.painter.detail(dark, (14, 14, 18), 150)
    if setting.weather in ("clear", "golden"):
        lean = -setting.light.sun_side * 1.1
        corners = [(vehicle.x - half, vehicle.z), (vehicle.x + half, vehicle.z)]
        far = [(vehicle.x + half + lean, end), (vehicle.x - half + lean, end)]
        setting.painter.detail(polygon(corners + far), (14, 16, 24), 90)


def _solid(
    setting: Setting,
    vehicle: Vehicle,
    outline: Outline,
    foot: float,
    roof: float,
    colour: Rgb,
    stroke: Stroke,
) -> None:
    """The strips between the two sides of an outline that face the camera, far ones first."""
    camera, half = setting.camera, vehicle.body.width / 2
    lowest, highest = min(y for _, y in outline), max(y for _, y in outline)
    rows = []
    for t, y in outline:
        share = (y - lowest) / (highest - lowest)
        reach = half * (foot + (roof - foot) * share)
        z = vehicle.along(t)
        rows.append(
            (z, y, camera.project(vehicle.x - reach, y, z), camera.project(vehicle.x + reach, y, z))
        )
    depth = camera.depth(vehicle.x, vehicle.z)
    faces: list[tuple[float, list[tuple[float, float]], float]] = []
    for first, second in pairwise(rows):
        quad = [first[2], first[3], second[3], second[2]]
        rise = abs(second[1] - first[1]) / (abs(second[0] - first[0]) + 1e-6)
        facing = 0.75 if rise < 0.35 else 0.25 if rise < 2 else 0.0
        faces.append(((first[0] + second[0]) / 2, quad, facing))
    for side, sign in ((2, -1), (3, 1)):
        flank: list[tuple[float, float]] = [row[side] for row in rows]  # type: ignore[misc]
        sees = (camera.x - vehicle.x) * sign > half * 0.9
        if sees:
            faces.append((rows[0][0] * 0 + vehicle.z, flank, setting.sunlit(sign) * 0.8))
    painter = setting.painter
    painter.use_pixels()
    for _, points, facing in sorted(faces, key=lambda face: -face[0]):
        painter.fill(polygon(points), setting.lit(colour, facing, depth), stroke)


def _side(setting: Setting, vehicle: Vehicle) -> None:
    """Windows, doors, stripes and wheels on the flank that the camera sees."""
    camera, body = setting.camera, vehicle.body
    half = body.width / 2
    offset = camera.x - vehicle.x
    if abs(offset) <= half * 0.9:
        return
    side = 1 if offset > 0 else -1
    depth = camera.depth(vehicle.x, vehicle.z)
    painter, glass = setting.painter, setting.lit((44, 56, 68), 0.5, depth)
    painter.use(camera.along(vehicle.x + side * half * 0.95))
    for window in body.windows:
        path = polygon([(vehicle.along(t), y) for t, y in window])
        painter.detail(path, glass)
    painter.use(camera.along(vehicle.x + side * half))
    _stripe(setting, vehicle, depth)
    for t in body.wheels:
        z = vehicle.along(t)
        painter.fill(_circle(z, body.radius, body.radius), (26, 26, 28), Stroke(body.label))
        painter.detail(_circle(z, body.radius, body.radius * 0.55), setting.lit("silver", 0, depth))


def _circle(x: float, y: float, radius: float) -> skia.Path:
    return skia.Path.Circle(x, y, radius)


def _stripe(setting: Setting, vehicle: Vehicle, depth: float) -> None:
    """What a taxi's livery paints along its flank."""
    colour, _, part = vehicle.livery.partition(" ")
    low, high = {"stripe": (0.72, 0.86), "doors": (0.42, 0.95)}.get(part, (0.0, 0.0))
    if high:
        first, last = vehicle.along(0.9), vehicle.along(vehicle.body.length - 1.1)
        box = rectangle(min(first, last), low, max(first, last), high)
        setting.painter.detail(box, setting.lit(colour, 0.2, depth))


def _end(setting: Setting, vehicle: Vehicle) -> None:
    """Windscreen, lights, plate and destination on the end nearest to the camera."""
    camera, painter, body = setting.camera, setting.painter, vehicle.body
    depth = camera.depth(vehicle.x, vehicle.z)
    x, half = vehicle.x, body.width / 2
    tall = max(y for _, y in body.cabin)
    belt = max(y for _, y in body.hull)
    inset = _windscreen_inset(vehicle)
    painter.use(camera.across(vehicle.z + inset))
    screen = [(x - half * 0.8, belt + 0.08), (x + half * 0.8, belt + 0.08)]
    glass_top = tall - 0.1 if body.label != "bus" else min(tall - 0.55, 2.5)
    screen += [(x + half * 0.68, glass_top), (x - half * 0.68, glass_top)]
    painter.detail(polygon(screen), setting.lit((40, 52, 64), 0.4, depth))
    glint = [screen[0], (x - half * 0.3, belt + 0.08), (x, glass_top), screen[3]]
    painter.detail(polygon(glint), (220, 232, 240), 34)
    painter.use(camera.across(vehicle.z))
    _lights(setting, vehicle, depth)
    if body.label == "bus":
        _board(setting, vehicle, tall, depth)
    if vehicle.plate_clue:
        _plate(setting, vehicle)
    if vehicle.roof_sign:
        painter.use(camera.across(vehicle.z + body.length * 0.45))
        sign = rectangle(x - 0.3, tall - 0.02, x + 0.3, tall + 0.24)
        painter.fill(sign, setting.lit("yellow", 0.8, depth), Stroke(body.label, vehicle.clue))
        painter.detail(rectangle(x - 0.22, tall + 0.06, x + 0.22, tall + 0.14), (30, 30, 30))


def _windscreen_inset(vehicle: Vehicle) -> float:
    cabin = vehicle.body.cabin
    if vehicle.oncoming:
        return vehicle.body.length - (cabin[-1][0] + cabin[-2][0]) / 2
    return (cabin[0][0] + cabin[1][0]) / 2


def _lights(setting: Setting, vehicle: Vehicle, depth: float) -> None:
    x, half = vehicle.x, vehicle.body.width / 2
    y = 0.66 if vehicle.body.label == "car" else 0.8
    colour = (250, 248, 230) if vehicle.oncoming else (176, 26, 30)
    lamps = skia.Path()
    for side in (-1, 1):
        middle = x + side * half * 0.76
        lamps.addOval(skia.Rect(middle - 0.17, y - 0.08, middle + 0.17, y + 0.09))
    painter = setting.painter
    painter.detail(rectangle(x - half * 0.98, 0.28, x + half * 0.98, 0.42), (34, 34, 38), 200)
    painter.detail(lamps, mix(colour, setting.light.haze, setting.light.haze_share(depth)))
    if vehicle.oncoming and vehicle.body.label == "car":
        painter.detail(rectangle(x - half * 0.45, 0.58, x + half * 0.45, 0.74), (30, 30, 34), 220)
    if setting.weather in ("dusk", "rain"):
        for side in (-1, 1):
            glow = ellipse(x + side * half * 0.76, y, 0.6, 0.5)
            painter.detail(glow, scaled(colour, 1.0), 70)


def _board(setting: Setting, vehicle: Vehicle, tall: float, depth: float) -> None:
    x = vehicle.x
    y = 2.4 if tall > 4 else tall - 0.48
    painter = setting.painter
    painter.detail(rectangle(x - 0.95, y, x + 0.95, y + 0.4), (18, 18, 20))
    word = lettered(vehicle.board, vehicle.script)
    height = min(0.26, 1.8 / max(word.width, 1.0))
    painter.detail(word.placed(x, y + 0.1, height), setting.lit("amber", 0.8, depth))


def _plate(setting: Setting, vehicle: Vehicle) -> None:
    """A number plate in its country's shape and colours."""
    plate = vehicle.plate
    assert plate is not None
    colour = plate.front if vehicle.oncoming else plate.rear
    assert colour is not None
    half, height = (0.31, 0.15) if plate.shape == "long" else (0.23, 0.24)
    x, y = vehicle.x, 0.44
    painter = setting.painter
    box = rectangle(x - half, y, x + half, y + height)
    lit = scaled(NAMED[colour], setting.light.ambient + 0.2)
    painter.fill(box, lit, Stroke(vehicle.body.label, vehicle.plate_clue))
    bands: list[tuple[float, float, float, float]] = []
    if plate.band in ("left", "both sides"):
        bands.append((x - half, y, x - half + 0.07, y + height))
    if plate.band == "both sides":
        bands.append((x + half - 0.07, y, x + half, y + height))
    if plate.band == "top":
        bands.append((x - half, y + height * 0.72, x + half, y + height))
    for left, low, right, high in bands:
        painter.detail(rectangle(left, low, right, high), NAMED[plate.band_colour])
    word = lettered(_number(setting, plate), "latin")
    size = min(height * 0.52, half * 1.5 / word.width)
    painter.detail(word.placed(x, y + height * 0.2, size), NAMED[plate.ink])


def _number(setting: Setting, plate: Plate) -> str:
    dice = setting.dice
    letters = "".join(dice.pick("ABEHKMPTXY") for _ in range(3))
    digits = "".join(dice.pick("0123456789") for _ in range(3))
    return f"{letters} {digits}" if plate.shape == "long" else f"{digits} {letters[:2]}"


def ordinary_colour(setting: Setting) -> str:
    """The paint of a car that means nothing."""
    return setting.dice.pick(_PAINTS)
