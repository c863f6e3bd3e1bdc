"""Passers-by, small and plain: they say nothing about where a scene is."""

import skia

from georay.streetworld.canvas.painter import Stroke, polygon, rectangle
from georay.streetworld.canvas.palette import scaled
from georay.streetworld.canvas.setting import Setting

_CLOTHES = ("navy", "maroon", "grey", "dark green", "cream", "black", "light blue", "rust")
_SKIN = ((236, 196, 164), (198, 150, 112), (142, 96, 66), (92, 62, 46))


def paint_person(setting: Setting, x: float, z: float) -> None:
    """Someone walking on the pavement."""
    painter, dice = setting.painter, setting.dice
    depth = setting.camera.depth(x, z)
    if depth < 3.0:
        return
    painter.use(setting.camera.facing(x, z, 0.14))
    painter.detail(skia.Path.Oval(skia.Rect(-0.35, -0.06, 0.35, 0.08)), (12, 12, 16), 90)
    stroke = Stroke("person")
    tall = dice.between(0.92, 1.05)
    stride = dice.between(0.08, 0.24)
    coat = setting.lit(dice.pick(_CLOTHES), 0.3, depth)
    skin = setting.lit(dice.pick(_SKIN), 0.4, depth)
    for side in (-1, 1):
        foot = side * stride
        leg = [(side * 0.02, 0.9), (foot - 0.07, 0.0), (foot + 0.07, 0.0), (side * 0.2, 0.9)]
        painter.fill(_scaled(leg, tall), setting.lit("dark grey", 0.1 * side, depth), stroke)
    body = [(-0.2, 0.8), (-0.26, 1.42), (0.26, 1.42), (0.2, 0.8)]
    painter.fill(_scaled(body, tall), coat, stroke)
    arms = [(-0.33, 0.85), (-0.26, 1.42), (-0.16, 1.4), (-0.24, 0.85)]
    painter.fill(_scaled(arms, tall), scaled(coat, 0.8), stroke)
    painter.fill(_scaled([(-x, y) for x, y in arms], tall), scaled(coat, 0.75), stroke)
    painter.fill(rectangle(-0.06, 1.4 * tall, 0.06, 1.5 * tall), skin, stroke)
    painter.fill(skia.Path.Circle(0, 1.6 * tall, 0.125), skin, stroke)
    hair = skia.Path.Circle(0, 1.66 * tall, 0.115)
    painter.detail(hair, dice.pick(((34, 26, 22), (84, 58, 38), (170, 150, 110), (120, 120, 122))))


def _scaled(points: list[tuple[float, float]], tall: float) -> skia.Path:
    return polygon([(x, y * tall) for x, y in points])
