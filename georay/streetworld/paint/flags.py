"""National flags as cloth: stripes by rule, emblems drawn simply."""

import math
from collections.abc import Callable

import skia

from georay.streetworld.canvas.painter import Stroke, polygon, rectangle
from georay.streetworld.canvas.setting import Setting

Draw = Callable[[skia.Path, str], None]


def paint_flag_cloth(
    setting: Setting, design: str, cloth: skia.Rect, depth: float, clue: int
) -> None:
    """A flag in `cloth` (metres, y up). Designs: "h:..." or "v:..." stripes, or an emblem."""
    painter = setting.painter
    stroke = Stroke("flag", clue)
    everything = skia.Path.Rect(cloth)
    painter.fill(everything, setting.lit("white", 0.5, depth), stroke)

    def draw(path: skia.Path, colour: str) -> None:
        painter.detail(path, setting.lit(colour, 0.5, depth))

    kind, _, colours = design.partition(":")
    names = colours.split(",") if colours else []
    if kind in ("h", "v"):
        _stripes(draw, cloth, names, kind == "h")
    elif kind == "cross":
        _cross(draw, cloth, names)
    elif kind == "disc":
        draw(_disc(cloth, 0.5, 0.5, 0.3), names[1])
    elif kind == "crescent":
        draw(everything, names[0])
        _crescent(draw, cloth, names[0])
    else:
        EMBLEMS[kind](draw, cloth)
    for fold in (0.3, 0.62, 0.9):
        left = cloth.left() + cloth.width() * (fold - 0.07)
        shade = rectangle(left, cloth.top(), left + cloth.width() * 0.09, cloth.bottom())
        painter.detail(shade, (10, 10, 20), 34)


def _part(cloth: skia.Rect, left: float, low: float, right: float, high: float) -> skia.Path:
    x, y, width, tall = cloth.left(), cloth.top(), cloth.width(), cloth.height()
    return rectangle(x + width * left, y + tall * low, x + width * right, y + tall * high)


def _spot(cloth: skia.Rect, x: float, y: float) -> tuple[float, float]:
    return cloth.left() + cloth.width() * x, cloth.top() + cloth.height() * y


def _shape(cloth: skia.Rect, points: list[tuple[float, float]]) -> skia.Path:
    return polygon([_spot(cloth, x, y) for x, y in points])


def _disc(cloth: skia.Rect, x: float, y: float, radius: float) -> skia.Path:
    return skia.Path.Circle(*_spot(cloth, x, y), cloth.height() * radius)


def _star(cloth: skia.Rect, x: float, y: float, radius: float, points: int = 5) -> skia.Path:
    middle_x, middle_y = _spot(cloth, x, y)
    reach = cloth.height() * radius
    corners = []
    for i in range(points * 2):
        far = reach if i % 2 == 0 else reach * 0.42
        angle = math.pi / 2 + math.pi * i / points
        corners.append((middle_x + far * math.cos(angle), middle_y + far * math.sin(angle)))
    return polygon(corners)


def _stripes(draw: Draw, cloth: skia.Rect, names: list[str], across: bool) -> None:
    count = len(names)
    for index, name in enumerate(names):
        low, high = index / count, (index + 1) / count
        if across:
            draw(_part(cloth, 0, 1 - high, 1, 1 - low), name)
        else:
            draw(_part(cloth, low, 0, high, 1), name)


def _cross(draw: Draw, cloth: skia.Rect, names: list[str]) -> None:
    draw(_part(cloth, 0, 0, 1, 1), names[0])
    draw(_part(cloth, 0.3, 0, 0.44, 1), names[1])
    draw(_part(cloth, 0, 0.4, 1, 0.6), names[1])


def _crescent(draw: Draw, cloth: skia.Rect, ground: str) -> None:
    draw(_disc(cloth, 0.4, 0.5, 0.28), "white")
    draw(_disc(cloth, 0.45, 0.5, 0.22), ground)
    draw(_star(cloth, 0.6, 0.5, 0.13), "white")


def _union(draw: Draw, cloth: skia.Rect) -> None:
    draw(_part(cloth, 0, 0, 1, 1), "navy")
    for low, high in ((0.0, 1.0), (1.0, 0.0)):
        wide = _shape(cloth, [(0, low - 0.1), (0, low + 0.1), (1, high + 0.1), (1, high - 0.1)])
        clipped = skia.Op(wide, skia.Path.Rect(cloth), skia.PathOp.kIntersect_PathOp)
        draw(clipped, "white")
        thin = _shape(cloth, [(0, low - 0.04), (0, low + 0.04), (1, high + 0.04), (1, high - 0.04)])
        draw(skia.Op(thin, skia.Path.Rect(cloth), skia.PathOp.kIntersect_PathOp), "red")
    draw(_part(cloth, 0.4, 0, 0.6, 1), "white")
    draw(_part(cloth, 0, 0.34, 1, 0.66), "white")
    draw(_part(cloth, 0.44, 0, 0.56, 1), "red")
    draw(_part(cloth, 0, 0.41, 1, 0.59), "red")


def _corner(cloth: skia.Rect) -> skia.Rect:
    half, tall = cloth.width() / 2, cloth.height() / 2
    return skia.Rect.MakeXYWH(cloth.left(), cloth.top() + tall, half, tall)


def _states(draw: Draw, cloth: skia.Rect) -> None:
    for stripe in range(0, 13, 2):
        draw(_part(cloth, 0, stripe / 13, 1, (stripe + 1) / 13), "red")
    draw(_part(cloth, 0, 6 / 13, 0.42, 1), "navy")
    for row in range(4):
        for column in range(5):
            draw(_star(cloth, 0.05 + 0.08 * column, 0.53 + 0.12 * row, 0.045), "white")


def _canada(draw: Draw, cloth: skia.Rect) -> None:
    draw(_part(cloth, 0, 0, 0.25, 1), "red")
    draw(_part(cloth, 0.75, 0, 1, 1), "red")
    draw(_star(cloth, 0.5, 0.52, 0.34, 7), "red")
    draw(_part(cloth, 0.49, 0.14, 0.51, 0.4), "red")


def _australia(draw: Draw, cloth: skia.Rect) -> None:
    draw(_part(cloth, 0, 0, 1, 1), "navy")
    _union(draw, _corner(cloth))
    draw(_star(cloth, 0.25, 0.24, 0.15, 7), "white")
    for x, y in ((0.75, 0.82), (0.75, 0.16), (0.63, 0.55), (0.87, 0.6)):
        draw(_star(cloth, x, y, 0.08, 7), "white")


def _greece(draw: Draw, cloth: skia.Rect) -> None:
    for stripe in range(0, 9, 2):
        draw(_part(cloth, 0, stripe / 9, 1, (stripe + 1) / 9), "blue")
    draw(_part(cloth, 0, 4 / 9, 0.37, 1), "blue")
    draw(_part(cloth, 0.15, 4 / 9, 0.22, 1), "white")
    draw(_part(cloth, 0, 0.67, 0.37, 0.77), "white")


def _portugal(draw: Draw, cloth: skia.Rect) -> None:
    draw(_part(cloth, 0, 0, 0.4, 1), "green")
    draw(_part(cloth, 0.4, 0, 1, 1), "red")
    draw(_disc(cloth, 0.4, 0.5, 0.22), "yellow")
    draw(_disc(cloth, 0.4, 0.5, 0.13), "white")


def _israel(draw: Draw, cloth: skia.Rect) -> None:
    draw(_part(cloth, 0, 0.1, 1, 0.24), "blue")
    draw(_part(cloth, 0, 0.76, 1, 0.9), "blue")
    draw(_star(cloth, 0.5, 0.5, 0.23, 6), "blue")
    draw(_disc(cloth, 0.5, 0.5, 0.09), "white")


def _emirates(draw: Draw, cloth: skia.Rect) -> None:
    _stripes(draw, cloth, ["green", "white", "black"], True)
    draw(_part(cloth, 0, 0, 0.27, 1), "red")


def _south_africa(draw: Draw, cloth: skia.Rect) -> None:
    draw(_part(cloth, 0, 0.66, 1, 1), "red")
    draw(_part(cloth, 0, 0, 1, 0.34), "navy")
    arms = [(0, 1), (0.12, 1), (0.5, 0.6), (1, 0.6), (1, 0.4), (0.5, 0.4), (0.12, 0), (0, 0)]
    draw(_shape(cloth, arms), "green")
    draw(_shape(cloth, [(0, 0.88), (0.37, 0.5), (0, 0.12)]), "yellow")
    draw(_shape(cloth, [(0, 0.78), (0.29, 0.5), (0, 0.22)]), "black")


def _india(draw: Draw, cloth: skia.Rect) -> None:
    _stripes(draw, cloth, ["orange", "white", "green"], True)
    draw(_disc(cloth, 0.5, 0.5, 0.15), "navy")
    draw(_disc(cloth, 0.5, 0.5, 0.11), "white")
    draw(_disc(cloth, 0.5, 0.5, 0.04), "navy")


def _korea(draw: Draw, cloth: skia.Rect) -> None:
    draw(_disc(cloth, 0.5, 0.5, 0.26), "red")
    lower = skia.Path.Rect(skia.Rect(cloth.left(), cloth.top(), cloth.right(), cloth.centerY()))
    half = skia.Op(_disc(cloth, 0.5, 0.5, 0.26), lower, skia.PathOp.kIntersect_PathOp)
    draw(half, "blue")
    for x, y in ((0.14, 0.78), (0.86, 0.78), (0.14, 0.22), (0.86, 0.22)):
        for bar in (-0.07, 0.0, 0.07):
            draw(_part(cloth, x - 0.07, y + bar - 0.02, x + 0.07, y + bar + 0.02), "black")


def _china(draw: Draw, cloth: skia.Rect) -> None:
    draw(_part(cloth, 0, 0, 1, 1), "red")
    draw(_star(cloth, 0.18, 0.74, 0.17), "yellow")
    for x, y in ((0.35, 0.9), (0.42, 0.77), (0.42, 0.62), (0.35, 0.5)):
        draw(_star(cloth, x, y, 0.06), "yellow")


def _brazil(draw: Draw, cloth: skia.Rect) -> None:
    draw(_part(cloth, 0, 0, 1, 1), "green")
    draw(_shape(cloth, [(0.08, 0.5), (0.5, 0.9), (0.92, 0.5), (0.5, 0.1)]), "yellow")
    draw(_disc(cloth, 0.5, 0.5, 0.22), "navy")
    draw(_part(cloth, 0.38, 0.5, 0.62, 0.55), "white")


def _argentina(draw: Draw, cloth: skia.Rect) -> None:
    _stripes(draw, cloth, ["light blue", "white", "light blue"], True)
    draw(_star(cloth, 0.5, 0.5, 0.13, 12), "yellow")


EMBLEMS: dict[str, Callable[[Draw, skia.Rect], None]] = {
    "union": _union,
    "states": _states,
    "canada": _canada,
    "australia": _australia,
    "greece": _greece,
    "portugal": _portugal,
    "israel": _israel,
    "emirates": _emirates,
    "south africa": _south_africa,
    "india": _india,
    "korea": _korea,
    "china": _china,
    "brazil": _brazil,
    "argentina": _argentina,
}
