"""The ground: soil, road, markings, kerbs and pavements, all drawn in metres on the road plane."""

import math

import skia

from georay.streetworld.canvas import textures
from georay.streetworld.canvas.painter import Stroke, polygon, rectangles
from georay.streetworld.canvas.palette import mix
from georay.streetworld.canvas.setting import Setting
from georay.streetworld.words.descriptions import (
    PLAIN_KERBS,
    centre_line_words,
    edge_line_words,
    kerb_words,
    pavement_words,
)

_LINE = 0.14


def paint_land(setting: Setting, colour: str, label: str, clue: int = 0) -> None:
    """The open ground out to the horizon."""
    painter, camera = setting.painter, setting.camera
    size = painter.size
    near, far = setting.lit(colour, 0.35, 4.0), setting.lit(colour, 0.35, 500.0)
    painter.use_pixels()
    ends = [skia.Point(0, camera.horizon), skia.Point(0, size)]
    shades = [skia.Color(*far), skia.Color(*mix(far, near, 0.75)), skia.Color(*near)]
    paint = skia.Paint(Shader=skia.GradientShader.MakeLinear(ends, shades, [0.0, 0.12, 1.0]))
    below = skia.Path.Rect(skia.Rect(0, camera.horizon, size, size))
    painter.fill_with(below, paint, Stroke(label, clue))
    _grain(setting, ground_strip(setting, -70, 70, 90), textures.patches(), 17.0)
    _grain(setting, ground_strip(setting, -24, 24, 40), textures.speckle(), 2.2)


def paint_road(setting: Setting, colour: str = "dark grey", label: str = "road") -> None:
    """The carriageway with its worn surface."""
    painter, half, end = setting.painter, setting.layout.road, setting.layout.end
    painter.use(setting.camera.ground())
    tone = mix(setting.lit(colour, 0.4, 12.0), setting.lit("grey", 0.4, 12.0), 0.5)
    wet = setting.weather == "rain"
    painter.fill(
        ground_strip(setting, -half, half, end),
        mix(tone, setting.light.haze, 0.18 * wet),
        Stroke(label),
    )
    far = setting.lit(colour, 0.4, end)
    for start, alpha in ((30, 50), (60, 70), (110, 110)):
        if start < end:
            painter.detail(ground_strip(setting, -half, half, end, start), far, alpha)
    for lane in (-0.5, 0.5):
        for wheel in (-0.85, 0.85):
            middle = half * lane + wheel
            painter.detail(ground_strip(setting, middle - 0.3, middle + 0.3, 45), (20, 20, 22), 16)
    _grain(setting, ground_strip(setting, -half, half, 60), textures.speckle(), 1.5)
    _grain(setting, ground_strip(setting, -half, half, 70), textures.patches(), 16.0)


def paint_lines(setting: Setting) -> None:
    """Centre and edge lines in the country's colours and patterns."""
    lines, half = setting.country.lines, setting.layout.road
    end = min(setting.layout.end, 130.0)
    start = -setting.dice.between(0.0, 6.0)
    clue = setting.ledger.shared("centre line", centre_line_words(lines))
    _marking(setting, _pattern(setting, lines.pattern, 0.0, start, end), lines.centre, clue)
    if lines.edge is None:
        return
    clue = setting.ledger.shared("edge line", edge_line_words(lines))
    inset = 0.35 if setting.kind in ("road", "coast", "suburb") else 0.25
    for side in (-1, 1):
        at = side * (half - inset)
        _marking(setting, _pattern(setting, lines.edge_pattern, at, start, end), lines.edge, clue)


def _pattern(setting: Setting, pattern: str, at: float, start: float, end: float) -> skia.Path:
    line = _LINE / 2
    if pattern == "solid":
        return ground_strip(setting, at - line, at + line, end)
    if pattern == "double solid":
        pair = ground_strip(setting, at - 3 * line, at - line, end)
        pair.addPath(ground_strip(setting, at + line, at + 3 * line, end))
        return pair
    shift = 2 * line if pattern == "solid and dashed" else 0.0
    near = setting.camera.nearest(at) + 0.1
    dashes = [
        (at + shift - line, max(z, near), at + shift + line, z + 3.0)
        for z in (start + 6.0 * i for i in range(int(end / 6.0)))
        if z + 3.0 > near
    ]
    path = rectangles(dashes)
    if pattern == "solid and dashed":
        path.addPath(ground_strip(setting, at - 3 * line, at - line, end))
    return path


def _marking(setting: Setting, path: skia.Path, colour: str, clue: int) -> None:
    painter = setting.painter
    painter.use(setting.camera.ground())
    worn = mix(setting.lit(colour, 0.5, 10.0), setting.lit("grey", 0.4, 10.0), 0.12)
    painter.detail(path, worn, 235)
    painter.mark(path, Stroke("road", clue))


def paint_crop(setting: Setting, side: int) -> None:
    """A field of the country's crop on one side of the road, out to the horizon."""
    near, far = side * (setting.layout.road + 5.0), side * 400.0
    painter = setting.painter
    painter.use(setting.camera.ground())
    area = ground_strip(setting, min(near, far), max(near, far), 900.0)
    label = "sand" if setting.country.nature.crop == "sand" else "field"
    tone = mix(setting.lit(setting.country.nature.crop, 0.4, 30.0), setting.light.haze, 0.1)
    painter.fill(area, tone, Stroke(label))
    rows = skia.Path()
    for row in range(40):
        x = near + side * 1.4 * row
        rows.addPath(ground_strip(setting, x, x + 0.4, 150.0))
    painter.detail(rows, (40, 46, 20), 34)


def paint_verges(setting: Setting, soil: str, width: float, clue: int) -> None:
    """Bare soil on both sides of the carriageway, `width` metres wide."""
    half, end = setting.layout.road + width, setting.layout.end
    label = "sand" if soil == "sand" else "earth"
    painter = setting.painter
    painter.use(setting.camera.ground())
    area = ground_strip(setting, -half, half, end)
    painter.fill(area, setting.lit(soil, 0.45, 14.0), Stroke(label, clue))
    painter.detail(ground_strip(setting, -half, half, end, 50), setting.light.haze, 60)
    _grain(setting, area, textures.speckle(), 1.7)


def paint_crossing(setting: Setting, z: float) -> None:
    """A zebra crossing at distance z, which says little because most countries have them."""
    half = setting.layout.road - 0.4
    count = int(2 * half)
    bars = [(-half + i, z, -half + i + 0.5, z + 3.0) for i in range(count)]
    path = rectangles(bars)
    painter = setting.painter
    painter.use(setting.camera.ground())
    painter.detail(path, setting.lit("white", 0.5, z), 225)
    painter.mark(path, Stroke("road"))


def paint_pavements(setting: Setting) -> None:
    """Both pavements with their kerbs and the city's paving pattern."""
    pattern, colour = setting.city.pavement
    clue = setting.ledger.shared("pavement", pavement_words(setting.city))
    layout, painter = setting.layout, setting.painter
    end = layout.end
    for side in (-1, 1):
        painter.use(setting.camera.ground(0.14))
        low, high = sorted((side * layout.road, side * layout.edge))
        area = ground_strip(setting, low, high, end)
        shade = mix(setting.lit(colour, 0.4, 14.0), setting.light.haze, 0.06)
        painter.fill(area, shade, Stroke("sidewalk", clue))
        painter.detail(ground_strip(setting, low, high, end, 45), setting.light.haze, 46)
        _paving(setting, pattern, low, high)
        painter.use(setting.camera.ground(0.14))
        _grain(setting, ground_strip(setting, low, high, 50), textures.speckle(), 1.8, 0.14)
        _kerb(setting, side)


def _kerb(setting: Setting, side: int) -> None:
    colours = setting.country.kerb
    layout, painter, camera = setting.layout, setting.painter, setting.camera
    clue = 0
    if len(colours) > 1 or colours[0] not in PLAIN_KERBS:
        clue = setting.ledger.shared("kerb", kerb_words(colours))
    inner, outer = side * layout.road, side * (layout.road + 0.22)
    end = layout.end
    for index, colour in enumerate(colours):
        blocks = [
            (min(inner, outer), z, max(inner, outer), z + 1.5)
            for z in _starts(camera.nearest(outer) + 0.1, len(colours), index, end)
        ]
        top = rectangles(blocks)
        painter.use(camera.ground(0.14))
        painter.fill(top, setting.lit(colour, 0.45, 12.0), Stroke("sidewalk", clue))
        face = rectangles((z, 0.0, z + 1.5, 0.14) for _, z, _, _ in blocks)
        painter.use(camera.along(inner))
        painter.fill(face, setting.lit(colour, 0.0, 12.0), Stroke("sidewalk", clue))


def _starts(first: float, period: int, index: int, end: float) -> list[float]:
    """Where kerb stones of one colour begin, 1.5 m each, from the first in front of the camera."""
    pitch = 1.5 * period
    behind = math.ceil((first - 1.5 * index) / pitch)
    count = int(min(end, 90.0 if period == 1 else 60.0) / pitch)
    return [1.5 * index + pitch * i for i in range(behind, count)]


def _paving(setting: Setting, pattern: str, low: float, high: float) -> None:
    painter = setting.painter
    dark, alpha = (60, 58, 56), 90
    match pattern:
        case "waves":
            painter.detail(_waves(setting, low, high), (36, 36, 40), 205)
        case "mosaic" | "map tiles":
            painter.detail(_diamonds(setting, low, high), (52, 50, 52), 170)
        case "tactile strip":
            middle = (low + high) / 2
            strip = ground_strip(setting, middle - 0.17, middle + 0.17, 60)
            painter.detail(strip, setting.lit("yellow", 0.4, 10.0), 240)
            painter.detail(_joints(setting, low, high, 0.6), dark, 46)
        case "setts" | "yellow cobbles":
            painter.detail(_joints(setting, low, high, 0.22, 16), dark, alpha)
            painter.detail(_joints(setting, low, high, 0.66, 40), dark, 60)
        case "flower tiles" | "vanilla tiles":
            painter.detail(_joints(setting, low, high, 0.4, 24), dark, 80)
            painter.detail(_dots(setting, low, high), dark, 80)
        case _:
            painter.detail(_joints(setting, low, high, 0.8), dark, 70)


def _joints(
    setting: Setting, low: float, high: float, pitch: float, end: float = 40.0
) -> skia.Path:
    start = _clear(setting, low, high)
    gap = 0.016 + pitch * 0.015
    count = max(0, int((end - start) / pitch))
    across = ((low, start + pitch * i, high, start + pitch * i + gap) for i in range(count))
    path = rectangles(across)
    for i in range(1, int((high - low) / pitch)):
        path.addRect(skia.Rect(low + pitch * i, start, low + pitch * i + gap, end))
    return path


def _waves(setting: Setting, low: float, high: float) -> skia.Path:
    path, width, start = skia.Path(), high - low, _clear(setting, low, high) + 0.9
    for i in range(26):
        z = start + 1.7 * i
        bend, thick = 0.8, 0.62
        path.moveTo(low, z)
        path.cubicTo(low + width * 0.33, z + bend, low + width * 0.66, z - bend, high, z)
        path.lineTo(high, z + thick)
        path.cubicTo(
            low + width * 0.66,
            z - bend + thick,
            low + width * 0.33,
            z + bend + thick,
            low,
            z + thick,
        )
        path.close()
    return path


def _diamonds(setting: Setting, low: float, high: float) -> skia.Path:
    path, middle, half = skia.Path(), (low + high) / 2, (high - low) / 2
    start = _clear(setting, low, high) + 0.7
    for i in range(30):
        z = start + 1.5 * i
        corners = ((middle - half * 0.7, z), (middle, z + 0.6), (middle + half * 0.7, z))
        path.addPath(polygon([*corners, (middle, z - 0.6)]))
    return path


def _dots(setting: Setting, low: float, high: float) -> skia.Path:
    path, start = skia.Path(), _clear(setting, low, high) + 0.1
    for i in range(40):
        for j in range(int((high - low) / 0.4)):
            path.addCircle(low + 0.4 * j + 0.2, start + 0.4 * i, 0.09)
    return path


def _clear(setting: Setting, low: float, high: float) -> float:
    """The least z at which a whole row of paving is in front of the camera."""
    return max(setting.camera.nearest(low), setting.camera.nearest(high))


def ground_strip(
    setting: Setting, low: float, high: float, end: float, start: float = -9.0
) -> skia.Path:
    """The ground between x = low and x = high, from before the camera (or `start`) to `end`."""
    nearest = setting.camera.nearest
    first, last = max(start, nearest(low)), max(start, nearest(high))
    end = max(end, first + 1.0, last + 1.0)
    return polygon([(low, first), (high, last), (high, end), (low, end)])


def _grain(
    setting: Setting, path: skia.Path, tile: skia.Image, metres: float, height: float = 0.0
) -> None:
    painter, dice = setting.painter, setting.dice
    painter.use(setting.camera.ground(height))
    shader = textures.shader(tile, metres, dice.between(0, metres), dice.between(0, metres))
    painter.detail_with(path, skia.Paint(Shader=shader, AntiAlias=False))
