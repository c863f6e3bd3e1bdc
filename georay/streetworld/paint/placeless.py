"""Scenes that nobody can place: a tunnel, a wall too close, a forest, fog, an empty field."""

import math

import skia

from georay.streetworld.canvas import textures
from georay.streetworld.canvas.painter import Stroke, polygon, rectangle, rectangles
from georay.streetworld.canvas.palette import mix, packed, scaled
from georay.streetworld.canvas.setting import Setting
from georay.streetworld.paint.ground import ground_strip, paint_land, paint_road
from georay.streetworld.paint.vegetation import paint_plant


def paint_tunnel(setting: Setting) -> None:
    """A lit tube of concrete around the road."""
    painter, camera, dice = setting.painter, setting.camera, setting.dice
    size = painter.size
    half, tall = setting.layout.road + 0.9, dice.between(4.6, 5.6)
    tone = mix((150, 142, 124), (120, 126, 132), dice.unit())
    painter.use_pixels()
    dark = rectangle(0, 0, size, size)
    painter.fill(dark, scaled(tone, 0.25), Stroke("ceiling"))
    rings = 34
    for ring in range(rings, 0, -1):
        z, ahead = 1.3 * 1.115**ring, 1.3 * 1.115 ** (ring - 1)
        level = 0.28 + 0.72 * math.exp(-z / 42) * (0.85 + 0.15 * (ring % 2))
        _ring(setting, half, tall, ahead, z, scaled(tone, level))
    painter.use(camera.ground())
    road = ground_strip(setting, -half, half, 60)
    painter.fill(road, scaled(tone, 0.42), Stroke("road"))
    painter.detail_with(road, skia.Paint(Shader=textures.shader(textures.speckle(), 1.6)))
    walks = ground_strip(setting, -half, 0.9 - half, 60)
    walks.addPath(ground_strip(setting, half - 0.9, half, 60))
    painter.fill(walks, scaled(tone, 0.62), Stroke("sidewalk"))
    painter.use(camera.ground(tall - 0.15))
    lamps = rectangles(
        (x - 0.16, 3 + 5.0 * i, x + 0.16, 4.8 + 5.0 * i) for x in (-1.9, 1.9) for i in range(12)
    )
    painter.detail(lamps, (255, 236, 190))


def _ring(
    setting: Setting, half: float, tall: float, near: float, far: float, tone: tuple[int, int, int]
) -> None:
    camera, painter = setting.camera, setting.painter
    painter.use_pixels()

    def ring_at(z: float) -> list[tuple[float, float]]:
        shape = [(-half, 0.0), (-half, tall * 0.7), (-half * 0.72, tall), (half * 0.72, tall)]
        return [camera.project(x, y, z) for x, y in [*shape, (half, tall * 0.7), (half, 0.0)]]

    close, back = ring_at(near), ring_at(far)
    labels = ("wall", "ceiling", "ceiling", "ceiling", "wall")
    shades = (0.86, 0.94, 1.0, 0.9, 0.8)
    for index, (label, shade) in enumerate(zip(labels, shades, strict=True)):
        quad = [close[index], close[index + 1], back[index + 1], back[index]]
        painter.fill(polygon(quad), scaled(tone, shade), Stroke(label))


def paint_wall(setting: Setting) -> None:
    """A plain wall a step away, with the strip of ground below it."""
    painter, dice = setting.painter, setting.dice
    size = painter.size
    paint_land(setting, "grey", "road")
    foot = size * dice.between(0.82, 0.97)
    top = -1.0 if dice.chance(0.6) else size * dice.between(0.04, 0.22)
    tone = dice.pick(
        ((168, 160, 148), (146, 84, 66), (186, 180, 166), (128, 122, 114), (205, 198, 184))
    )
    brick = tone == (146, 84, 66)
    lean = dice.between(-0.06, 0.06) * size
    face = polygon([(0, top - lean), (size, top + lean), (size, foot + lean), (0, foot - lean)])
    painter.use_pixels()
    painter.fill(face, setting.lit(tone, 0.1, 1.0), Stroke("wall"))
    tile, reach = (textures.bricks(), size * 0.42) if brick else (textures.patches(), size * 0.8)
    painter.detail_with(face, skia.Paint(Shader=textures.shader(tile, reach)))
    grit = textures.shader(textures.speckle(), size * dice.between(0.3, 0.6), dice.between(0, 99))
    painter.detail_with(face, skia.Paint(Shader=grit))
    for _ in range(dice.index(4)):
        x = dice.between(0, size)
        stain = rectangle(x, top, x + dice.between(4, 26), foot)
        painter.detail(stain, (40, 36, 32), 22)
    painter.detail(rectangle(0, foot - size * 0.03 - abs(lean), size, foot), (20, 20, 22), 60)


def paint_forest(setting: Setting) -> None:
    """Trunks and undergrowth on all sides; trees that grow on half the planet."""
    painter, camera, dice = setting.painter, setting.camera, setting.dice
    paint_land(setting, "dark brown", "earth")
    size = painter.size
    painter.use_pixels()
    backdrop = rectangle(0, camera.horizon - size * 0.3, size, camera.horizon + 3)
    painter.fill(backdrop, setting.lit((40, 56, 32), 0.1, 60), Stroke("tree"))
    for z in (46, 38, 30, 23, 17, 12, 8.5, 6.2):
        for _ in range(9 if z > 15 else 4):
            x = dice.between(-0.8, 0.8) * z
            if z < 14 and abs(x) < 2.0:
                continue
            paint_plant(
                setting, "oak" if dice.chance(0.8) else "lime", x, z, dice.between(0.8, 1.3)
            )
            if dice.chance(0.5):
                paint_plant(
                    setting, "bush", x + dice.between(-2, 2), z - 0.5, dice.between(0.6, 1.1)
                )


def paint_fog(setting: Setting) -> None:
    """A few metres of road, then nothing."""
    size = setting.painter.size
    white = mix((206, 210, 214), (170, 176, 184), setting.dice.unit())
    paint_land(setting, "olive", "grass")
    paint_road(setting)
    for z in (26.0, 15.0):
        for side in (-1, 1):
            paint_plant(setting, "oak", side * setting.dice.between(7, 10), z, 0.9)
    horizon = setting.camera.horizon
    ends = [skia.Point(0, horizon), skia.Point(0, size)]
    colours = [packed(white, 255), packed(white, 225), packed(white, 70)]
    veil = skia.GradientShader.MakeLinear(ends, colours, [0.08, 0.3, 1.0])
    setting.painter.wash(skia.Paint(Shader=veil))
    hidden = rectangle(0, 0, size, horizon + (size - horizon) * 0.12)
    setting.painter.mark(hidden, Stroke("sky"))


def paint_field(setting: Setting) -> None:
    """Grass or stubble to the horizon, with nothing on it."""
    dice, painter = setting.dice, setting.painter
    crop = dice.pick(("meadow", "straw", "olive"))
    paint_land(setting, crop, "field")
    painter.use(setting.camera.ground())
    rows = skia.Path()
    for row in range(-60, 60):
        rows.addPath(ground_strip(setting, row * 1.2, row * 1.2 + 0.35, 160.0))
    painter.detail(rows, (40, 46, 20), 26)
    painter.use_pixels()
    size, horizon = painter.size, setting.camera.horizon
    points = [(0.0, horizon + 1.5)]
    for step in range(61):
        rise = dice.between(0.2, 1.0) * size * 0.014
        points.append((size * step / 60, horizon - rise))
    points.append((float(size), horizon + 1.5))
    painter.detail(polygon(points), setting.lit((52, 74, 42), 0.2, 260))
