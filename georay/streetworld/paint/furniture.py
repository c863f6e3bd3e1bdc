"""Street furniture: poles and wires, lamps, bollards, road signs, fences and flags."""

import math
from itertools import pairwise

import skia

from georay.streetworld.atlas.colours import NAMED
from georay.streetworld.canvas.lettering import lettered
from georay.streetworld.canvas.painter import Stroke, polygon, rectangle, rectangles
from georay.streetworld.canvas.palette import scaled
from georay.streetworld.canvas.setting import Setting
from georay.streetworld.paint.flags import paint_flag_cloth
from georay.streetworld.words.descriptions import (
    bollard_words,
    direction_words,
    flag_words,
    lamp_words,
    pole_words,
    warning_words,
)

_TRUE_WIDTH = 3.0  # pixels: thinner posts are drawn, but the mask keeps what is behind them


def paint_utility_pole(setting: Setting, x: float, z: float) -> None:
    """A pole of the country's kind; wires are drawn by `paint_wires`."""
    pole, painter = setting.country.pole, setting.painter
    depth = setting.camera.depth(x, z)
    clue = setting.ledger.shared("utility pole", pole_words(pole))
    colour = {"wooden": "brown", "concrete": "concrete", "steel": "grey"}[pole.material]
    half = {"wooden": 0.15, "concrete": 0.19, "steel": 0.13}[pole.material]
    painter.use(setting.camera.facing(x, z))
    post = polygon([(-half, 0), (-half * 0.7, 8.6), (half * 0.7, 8.6), (half, 0)])
    lit = setting.lit(colour, 0.4, depth)
    _post(setting, post, lit, "pole", clue, x, z, 2 * half)
    dark = polygon([(half * 0.1, 0), (half * 0.1, 8.6), (half * 0.7, 8.6), (half, 0)])
    painter.detail(dark, scaled(lit, 0.7))
    _pole_head(setting, lit)
    if pole.guard:
        first, second = pole.guard
        for band in range(6):
            name = first if band % 2 else second
            stripe = rectangle(-half * 1.05, 0.4 + band * 0.3, half * 1.05, 0.7 + band * 0.3)
            painter.detail(stripe, setting.lit(name, 0.4, depth))


def _pole_head(setting: Setting, lit: tuple[int, int, int]) -> None:
    painter = setting.painter
    match setting.country.pole.style:
        case "crossarm":
            painter.detail(rectangles([(-1.2, 7.9, 1.2, 8.1)]), scaled(lit, 0.8))
            knobs = rectangles((x - 0.06, 8.1, x + 0.06, 8.35) for x in (-1.1, -0.5, 0.5, 1.1))
            painter.detail(knobs, (70, 66, 70))
            painter.detail(rectangle(0.12, 6.5, 0.62, 7.5), scaled(lit, 1.25))
        case "ladder":
            holes = rectangles((-0.07, 0.8 + 0.62 * i, 0.07, 1.15 + 0.62 * i) for i in range(12))
            painter.detail(holes, (70, 72, 74), 210)
            painter.detail(rectangle(-0.5, 8.0, 0.5, 8.15), (90, 90, 92))
        case "cluttered":
            painter.detail(
                rectangles([(-1.0, 7.9, 1.0, 8.05), (-0.8, 7.2, 0.8, 7.33)]), (96, 96, 98)
            )
            painter.detail(
                skia.Path.RRect(skia.Rect(0.16, 6.0, 0.75, 7.1), 0.1, 0.1), (120, 122, 122)
            )
            painter.detail(rectangle(-0.6, 4.9, -0.15, 5.5), (70, 72, 76))
            painter.detail(skia.Path.Circle(-0.3, 6.0, 0.36), (24, 24, 26), 150)
        case "plain":
            painter.detail(
                rectangles((-0.3, 7.6 + i * 0.3, 0.3, 7.68 + i * 0.3) for i in range(3)),
                (80, 80, 82),
            )


def paint_wires(setting: Setting, x: float, starts: list[float]) -> None:
    """Sagging wires along a row of poles; too thin for the mask."""
    camera, painter = setting.camera, setting.painter
    style = setting.country.pole.style
    lines = {"crossarm": (-1.1, -0.5, 0.5, 1.1), "cluttered": (-0.9, -0.5, -0.2, 0.2, 0.5, 0.9)}
    offsets = lines.get(style, (-0.25, 0.25))
    paint = skia.Paint(
        AntiAlias=True, Style=skia.Paint.kStroke_Style, StrokeWidth=1.1, Color=0xCC202226
    )
    painter.use_pixels()
    wires = skia.Path()
    for near, far in pairwise(starts):
        if camera.depth(x, near) < 1.2:
            continue
        for index, offset in enumerate(offsets):
            y = 8.2 - (0.28 * (index % 3) if style == "cluttered" else 0.0)
            wires.moveTo(*camera.project(x + offset, y, near))
            middle = camera.project(x + offset, y - 1.3, (near + far) / 2)
            wires.quadTo(*middle, *camera.project(x + offset, y, far))
    painter.detail_with(wires, paint)


def paint_lamp(setting: Setting, x: float, z: float, side: int) -> None:
    """A street lamp whose arm reaches over the road (towards -side)."""
    lamp, painter, camera = setting.country.lamp, setting.painter, setting.camera
    depth = camera.depth(x, z)
    stroke_clue = setting.ledger.shared("street lamp", lamp_words(lamp))
    painter.use(camera.facing(x, z))
    lit, half, reach = setting.lit(lamp.colour, 0.35, depth), 0.1, -side
    path = skia.Path()
    height = {"globes": 3.6, "lantern": 4.2}.get(lamp.style, 7.6)
    path.addPath(polygon([(-half, 0), (-half * 0.7, height), (half * 0.7, height), (half, 0)]))
    path.addRect(skia.Rect(-half * 1.9, 0.0, half * 1.9, 0.5))
    heads = _lamp_heads(lamp.style, reach, height)
    arms = _lamp_arms(lamp.style, reach, height)
    arms.addPath(path)
    _post(setting, arms, lit, "street lamp", stroke_clue, x, z, 2 * half)
    glow = (255, 222, 150) if setting.weather == "dusk" else setting.lit("white", 0.4, depth)
    if camera.pixels_per_metre(x, z) * 0.5 >= _TRUE_WIDTH:
        painter.fill(heads, glow, Stroke("street lamp", stroke_clue))
    else:
        painter.detail(heads, glow)


def _lamp_heads(style: str, reach: int, height: float) -> skia.Path:
    heads = skia.Path()
    match style:
        case "globes":
            for x in (-0.45, 0.45):
                heads.addCircle(x, height + 0.1, 0.26)
            heads.addCircle(0.0, height + 0.5, 0.28)
        case "lantern":
            heads.addPath(
                polygon(
                    [(-0.17, height), (0.17, height), (0.3, height + 0.65), (-0.3, height + 0.65)]
                )
            )
        case "double arm":
            for x in (-1.6, 1.6):
                heads.addOval(skia.Rect(x - 0.45, height - 0.02, x + 0.45, height + 0.24))
        case _:
            x = reach * 1.7
            heads.addOval(skia.Rect(x - 0.48, height - 0.05, x + 0.48, height + 0.25))
    return heads


def _lamp_arms(style: str, reach: int, height: float) -> skia.Path:
    arms = skia.Path()
    match style:
        case "globes":
            arms.addRect(skia.Rect(-0.5, height - 0.2, 0.5, height - 0.06))
        case "lantern":
            cap = [(-0.36, height + 0.62), (0.36, height + 0.62), (0.0, height + 0.98)]
            arms.addPath(polygon(cap))
        case "double arm":
            arms.addPath(
                polygon(
                    [
                        (-1.6, height + 0.24),
                        (-1.6, height + 0.12),
                        (0, height - 0.3),
                        (1.6, height + 0.12),
                        (1.6, height + 0.24),
                        (0, height - 0.06),
                    ]
                )
            )
        case "curved":
            arms.moveTo(-0.07, height - 0.4)
            arms.quadTo(0.0, height + 0.9, reach * 1.7, height + 0.26)
            arms.lineTo(reach * 1.7, height + 0.1)
            arms.quadTo(0.1, height + 0.6, 0.07, height - 0.4)
            arms.close()
        case _:
            arms.addPath(
                polygon(
                    [
                        (0, height - 0.12),
                        (reach * 1.6, height + 0.1),
                        (reach * 1.6, height + 0.24),
                        (0, height + 0.06),
                    ]
                )
            )
    return arms


def paint_bollard(setting: Setting, x: float, z: float) -> None:
    """A delineator post of the country's design."""
    design, painter, camera = setting.country.bollard, setting.painter, setting.camera
    depth = camera.depth(x, z)
    clue = setting.ledger.new("bollard", bollard_words(design))
    painter.use(camera.facing(x, z))
    half, tall = 0.1, 1.05
    body = rectangle(-half, 0, half, tall)
    if design.shape == "round":
        body.addCircle(0, tall, half)
    else:
        body = polygon([(-half, 0), (-half, tall), (half, tall + 0.12), (half, 0)])
    _post(setting, body, setting.lit(design.body, 0.4, depth), "pole", clue, x, z, 2 * half)
    slope = 0.14 if design.band_style == "slanted" else 0.0
    band = polygon([(-half, 0.66), (-half, 0.9), (half, 0.9 + slope), (half, 0.66 + slope)])
    painter.detail(band, setting.lit(design.band, 0.4, depth))
    lens = rectangle(-half * 0.4, 0.72 + slope / 2, half * 0.4, 0.86 + slope / 2)
    painter.detail(lens, setting.lit(design.reflector, 1.2, depth))


def _post(
    setting: Setting,
    path: skia.Path,
    colour: tuple[int, int, int],
    label: str,
    clue: int,
    x: float,
    z: float,
    width: float,
) -> None:
    """An upright thing, true in the mask where it is wide enough to be seen."""
    if setting.camera.pixels_per_metre(x, z) * width >= _TRUE_WIDTH * setting.painter.size / 448:
        setting.painter.fill(path, colour, Stroke(label, clue))
    else:
        setting.painter.detail(path, colour)


def paint_warning_sign(setting: Setting, x: float, z: float) -> None:
    """A warning sign: shape and colour differ between continents."""
    shape, painter = setting.country.signs.warning, setting.painter
    depth = setting.camera.depth(x, z)
    clue = setting.ledger.new("warning sign", warning_words(setting.country.signs))
    painter.use(setting.camera.facing(x, z))
    painter.detail(rectangle(-0.05, 0.0, 0.05, 2.3), setting.lit("grey", 0.3, depth))
    stroke = Stroke("signboard", clue)
    if shape == "yellow diamond":
        painter.fill(_diamond(2.7, 0.62), setting.lit("black", 0.5, depth), stroke)
        painter.detail(_diamond(2.7, 0.56), setting.lit("yellow", 0.7, depth))
    else:
        inner = "white" if shape.startswith("white") else "yellow"
        painter.fill(_triangle(2.6, 0.62), setting.lit("red", 0.7, depth), stroke)
        painter.detail(_triangle(2.58, 0.42), setting.lit(inner, 0.7, depth))
    figure = polygon([(-0.06, 2.42), (-0.09, 2.85), (0.09, 2.85), (0.06, 2.42)])
    painter.detail(figure, setting.lit("black", 0.3, depth))


def _diamond(y: float, reach: float) -> skia.Path:
    return polygon([(-reach, y), (0, y + reach), (reach, y), (0, y - reach)])


def _triangle(y: float, reach: float) -> skia.Path:
    return polygon(
        [
            (reach * math.cos(a), y + reach * math.sin(a))
            for a in (math.pi / 2, math.pi * 7 / 6, math.pi * 11 / 6)
        ]
    )


def paint_guide_sign(setting: Setting, x: float, z: float) -> None:
    """A direction sign with the names of two districts of the city."""
    painter, dice, signs = setting.painter, setting.dice, setting.country.signs
    depth = setting.camera.depth(x, z)
    names = setting.city.districts
    first = dice.index(len(names))
    shown = (names[first], names[(first + 1) % len(names)])
    clue = setting.ledger.new("place name", direction_words(signs, *shown))
    painter.use(setting.camera.facing(x, z))
    posts = rectangles([(-1.3, 0, -1.15, 2.2), (1.15, 0, 1.3, 2.2)])
    painter.detail(posts, setting.lit("grey", 0.3, depth))
    painter.fill(
        rectangle(-1.9, 2.1, 1.9, 4.1), setting.lit("white", 0.6, depth), Stroke("signboard", clue)
    )
    painter.detail(rectangle(-1.82, 2.18, 1.82, 4.02), setting.lit(signs.guide, 0.6, depth))
    ink = setting.lit("black" if sum(NAMED[signs.guide]) > 400 else "white", 0.7, depth)
    for name, y in zip(shown, (3.28, 2.46), strict=True):
        word = lettered(name, signs.script)
        painter.detail(word.placed(-0.25, y, min(0.46, 2.7 / word.width)), ink)
        tip = [(1.3, y), (1.3, y + 0.4), (1.7, y + 0.2)]
        painter.detail(polygon(tip), ink)


def paint_fence(
    setting: Setting, x: float, start: float, end: float, height: float, colour: str
) -> None:
    """A length of garden fence or low wall along the road."""
    painter = setting.painter
    depth = setting.camera.depth(x, start)
    painter.use(setting.camera.along(x))
    lit = setting.lit(colour, setting.sunlit(1 if x > 0 else -1), max(depth, 2.0))
    painter.fill(rectangle(start, 0, end, height), lit, Stroke("fence"))
    if depth < 40:
        gaps = rectangles((z, 0.0, z + 0.05, height) for z in _every(start, end, 0.22))
        painter.detail(gaps, scaled(lit, 0.6), 150)
    painter.detail(rectangle(start, height - 0.1, end, height), scaled(lit, 1.12))


def _every(start: float, end: float, step: float) -> list[float]:
    return [start + step * i for i in range(int((end - start) / step))]


def paint_flag(setting: Setting, x: float, z: float, height: float) -> None:
    """A national flag on a pole."""
    painter = setting.painter
    depth = setting.camera.depth(x, z)
    clue = setting.ledger.new("flag", flag_words(setting.country))
    painter.use(setting.camera.facing(x, z))
    mast = rectangle(-0.07, 0.0, 0.07, height)
    _post(setting, mast, setting.lit("silver", 0.3, depth), "pole", 0, x, z, 0.14)
    cloth = skia.Rect(0.07, height - 1.7, 2.6, height - 0.1)
    paint_flag_cloth(setting, setting.country.flag, cloth, depth, clue)
