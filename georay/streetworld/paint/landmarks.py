"""Draws landmarks from their parts."""

from collections.abc import Sequence

import skia

from georay.streetworld.atlas.atlas import Atlas
from georay.streetworld.atlas.colours import NAMED, Rgb
from georay.streetworld.atlas.schema import Part
from georay.streetworld.canvas.painter import Stroke, polygon, rectangle, rectangles
from georay.streetworld.canvas.palette import mix, scaled
from georay.streetworld.canvas.setting import Setting


def paint_landmark(
    setting: Setting, design: tuple[str, str], x: float, z: float, clue: int
) -> None:
    """A landmark far behind the street; (x, z) in metres."""
    name, colour = design
    landmark = Atlas.load().landmarks[name]
    depth = setting.camera.depth(x, z)
    body = setting.lit(colour, 0.3, depth * 0.45)
    rock = setting.lit("olive", 0.2, depth * 0.5)
    painter = setting.painter
    matrix = setting.camera.facing(x, z)
    matrix.preScale(landmark.height, landmark.height)
    painter.use(matrix)
    for part in landmark.parts:
        natural = part[0] in ("hill", "peak", "mesa", "snow")
        shade = rock if part[0] == "hill" else body
        label = "mountain" if part[0] == "hill" else landmark.label
        number = 0 if part[0] == "hill" else clue
        outline = outline_of(part)
        painter.fill(outline, shade, Stroke(label, number))
        shadow = skia.Op(outline, _right_of(part), skia.PathOp.kIntersect_PathOp)
        painter.detail(shadow, scaled(shade, 0.72), 200 if not natural else 120)
        _finish(setting, part, shade)
    if landmark.windows:
        painter.use(matrix)
        _lit_rows(setting, landmark.parts, body)


def _right_of(part: Part) -> skia.Path:
    middle = (part[1] + part[3]) / 2 if part[0] in ("box", "crown", "columns") else part[1]
    return rectangle(middle, -0.1, middle + 9.0, 1.2)


def _finish(setting: Setting, part: Part, shade: Rgb) -> None:
    kind, a, b, c, d = part
    if kind == "face":
        setting.painter.detail(skia.Path.Circle(a, b, c), (236, 230, 210))
        setting.painter.detail(rectangle(a - 0.006, b, a + 0.006, b + c * 0.8), (30, 30, 34))
    elif kind == "snow":
        cap = [
            (a, d),
            (a - b * 0.3, d * 0.7),
            (a - b * 0.1, d * 0.76),
            (a, d * 0.66),
            (a + b * 0.12, d * 0.78),
            (a + b * 0.3, d * 0.7),
        ]
        setting.painter.detail(polygon(cap), mix((250, 250, 252), shade, 0.12))
    elif kind == "columns":
        gaps = _spread(a, c, 9)
        setting.painter.detail(
            rectangles((x, b, x + (c - a) * 0.05, d) for x in gaps), scaled(shade, 0.5)
        )


def _lit_rows(setting: Setting, parts: Sequence[Part], body: Rgb) -> None:
    path = skia.Path()
    for kind, a, b, c, d in parts:
        if kind == "box":
            for row in range(int((d - b) / 0.028)):
                y = b + 0.012 + 0.028 * row
                path.addRect(skia.Rect(a + 0.012, y, c - 0.012, y + 0.012))
    setting.painter.detail(path, scaled(mix(body, NAMED["glass"], 0.5), 0.62), 150)


def _spread(low: float, high: float, count: int) -> list[float]:
    return [low + (high - low) * (i + 0.25) / count for i in range(count)]


def outline_of(part: Part) -> skia.Path:
    """The outline of one part."""
    kind, a, b, c, d = part
    match kind:
        case "box":
            return rectangle(a, b, c, d)
        case "taper":
            return polygon([(a - b, c), (a - b * 0.55, d), (a + b * 0.55, d), (a + b, c)])
        case "point":
            return polygon([(a - b, c), (a, d), (a + b, c)])
        case "lean":
            return polygon([(a - 0.1, c), (a + b - 0.09, d), (a + b + 0.09, d), (a + 0.1, c)])
        case "ball" | "face":
            return skia.Path.Circle(a, b, c)
        case "dome":
            return _dome(a, b, c, d)
        case "onion":
            return _onion(a, b, c, d)
        case "eaves":
            return _eaves(a, b, c, d)
        case "crown" | "columns":
            return _rows(kind, a, b, c, d)
        case "gate":
            return _gate(a, b, c, d)
        case "arc":
            return _arc(a, b, c, d)
        case "leg":
            return _legs(a, b, c, d)
        case "hill" | "peak" | "mesa" | "snow":
            return _rock(kind, a, b, c, d)


def _dome(a: float, b: float, c: float, d: float) -> skia.Path:
    path = skia.Path()
    path.moveTo(a - b, c)
    path.cubicTo(a - b, d * 0.7 + c * 0.3, a - b * 0.5, d, a, d)
    path.cubicTo(a + b * 0.5, d, a + b, d * 0.7 + c * 0.3, a + b, c)
    path.close()
    return path


def _onion(a: float, b: float, c: float, d: float) -> skia.Path:
    tall = d - c
    path = skia.Path()
    path.moveTo(a - b * 0.7, c)
    path.cubicTo(a - b * 1.7, c + tall * 0.5, a - b * 0.2, c + tall * 0.6, a, d)
    path.cubicTo(a + b * 0.2, c + tall * 0.6, a + b * 1.7, c + tall * 0.5, a + b * 0.7, c)
    path.close()
    return path


def _eaves(a: float, b: float, c: float, d: float) -> skia.Path:
    path = skia.Path()
    path.moveTo(a - b, c + 0.02)
    path.quadTo(a - b * 0.5, c + 0.01, a - b * 0.35, d)
    path.lineTo(a + b * 0.35, d)
    path.quadTo(a + b * 0.5, c + 0.01, a + b, c + 0.02)
    path.lineTo(a + b * 0.8, c)
    path.lineTo(a - b * 0.8, c)
    path.close()
    return path


def _rows(kind: str, a: float, b: float, c: float, d: float) -> skia.Path:
    if kind == "columns":
        return rectangle(a, b, c, d)
    return rectangles((x, b, x + (c - a) * 0.07, d) for x in _spread(a, c, 8))


def _gate(a: float, b: float, c: float, d: float) -> skia.Path:
    path = polygon(
        [
            (a - b, c),
            (a - b, d),
            (a + b, d),
            (a + b, c),
            (a + b * 0.35, c),
            (a + b * 0.35, d * 0.55),
            (a + b * 0.18, d * 0.72),
            (a - b * 0.18, d * 0.72),
            (a - b * 0.35, d * 0.55),
            (a - b * 0.35, c),
        ]
    )
    path.setFillType(skia.PathFillType.kEvenOdd)
    return path


def _arc(a: float, b: float, c: float, d: float) -> skia.Path:
    steps, thick = 16, 0.13
    turns = [i / steps for i in range(steps + 1)]
    upper = [(a + b * (2 * t - 1), c + (d - c) * 4 * t * (1 - t)) for t in turns]
    lower = [(x, y - thick) for x, y in upper]
    return polygon(upper + lower[::-1])


def _legs(a: float, b: float, c: float, d: float) -> skia.Path:
    path = skia.Path()
    for sign in (-1, 1):
        foot, top = a + sign * b, a + sign * b * 0.45
        inner = b * 0.3
        path.addPath(
            polygon([(foot, c), (top, d), (top - sign * inner, d), (foot - sign * inner, c)])
        )
    for rung in range(1, 5):
        y = c + (d - c) * rung / 5
        reach = b * (1 - 0.55 * rung / 5)
        path.addRect(skia.Rect(a - reach, y, a + reach, y + 0.012))
    return path


def _rock(kind: str, a: float, b: float, c: float, d: float) -> skia.Path:
    tall = d - c
    if kind == "mesa":
        return polygon(
            [
                (a - b, c),
                (a - b * 0.66, d * 0.86),
                (a - b * 0.6, d),
                (a + b * 0.55, d * 0.98),
                (a + b * 0.64, d * 0.8),
                (a + b, c),
            ]
        )
    if kind == "hill":
        path = skia.Path()
        path.moveTo(a - b, c)
        path.cubicTo(a - b * 0.6, c + tall * 0.2, a - b * 0.5, d, a - b * 0.3, d)
        path.lineTo(a + b * 0.3, d)
        path.cubicTo(a + b * 0.5, d, a + b * 0.6, c + tall * 0.2, a + b, c)
        path.close()
        return path
    return polygon(
        [
            (a - b, c),
            (a - b * 0.5, c + tall * 0.38),
            (a - b * 0.2, c + tall * 0.8),
            (a, d),
            (a + b * 0.18, c + tall * 0.82),
            (a + b * 0.55, c + tall * 0.36),
            (a + b, c),
        ]
    )
