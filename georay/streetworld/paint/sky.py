"""Sky and light: what weather and time of day do to a scene."""

import skia

from georay.streetworld.atlas.colours import Rgb
from georay.streetworld.canvas import textures
from georay.streetworld.canvas.painter import Painter, Stroke, rectangle
from georay.streetworld.canvas.palette import Light, mix, packed
from georay.streetworld.canvas.setting import Weather
from georay.streetworld.dice import Dice

WEATHERS: tuple[tuple[Weather, float], ...] = (
    ("clear", 0.36),
    ("hazy", 0.14),
    ("overcast", 0.22),
    ("golden", 0.13),
    ("dusk", 0.06),
    ("rain", 0.09),
)
_ZENITH: dict[Weather, Rgb] = {
    "clear": (62, 124, 202),
    "hazy": (142, 172, 202),
    "overcast": (168, 176, 184),
    "golden": (96, 132, 186),
    "dusk": (46, 58, 104),
    "rain": (126, 134, 144),
}
_HORIZON: dict[Weather, Rgb] = {
    "clear": (196, 218, 236),
    "hazy": (222, 226, 224),
    "overcast": (212, 216, 218),
    "golden": (250, 214, 164),
    "dusk": (232, 150, 120),
    "rain": (184, 190, 194),
}
_COVER: dict[Weather, float] = {
    "clear": 0.28,
    "hazy": 0.3,
    "overcast": 0.85,
    "golden": 0.35,
    "dusk": 0.35,
    "rain": 0.9,
}


def light_of(weather: Weather, dice: Dice) -> Light:
    """The light under a weather; the sun stands left or right of the road by chance."""
    side = 1 if dice.chance(0.5) else -1
    haze = mix(_HORIZON[weather], _ZENITH[weather], 0.25)
    match weather:
        case "clear":
            return Light(0.78, 0.34, side, (255, 250, 235), 0.04, haze, 420.0)
        case "hazy":
            return Light(0.84, 0.18, side, (236, 232, 220), 0.1, haze, 190.0)
        case "overcast":
            return Light(0.86, 0.06, side, (206, 212, 220), 0.08, haze, 300.0)
        case "golden":
            return Light(0.66, 0.5, side, (255, 190, 110), 0.14, haze, 320.0)
        case "dusk":
            return Light(0.5, 0.16, side, (92, 84, 140), 0.2, haze, 300.0)
        case "rain":
            return Light(0.7, 0.04, side, (150, 160, 172), 0.14, haze, 170.0)


def paint_sky(painter: Painter, weather: Weather, horizon: float, dice: Dice) -> None:
    """Sky over the whole picture, clouds above `horizon` (pixels); the ground comes on top."""
    size = painter.size
    ends = [skia.Point(0, 0), skia.Point(0, max(horizon, 1.0))]
    gradient = skia.GradientShader.MakeLinear(
        ends, [packed(_ZENITH[weather]), packed(_HORIZON[weather])]
    )
    painter.use_pixels()
    everything = rectangle(0, 0, size, size)
    painter.fill_with(everything, skia.Paint(Shader=gradient), Stroke("sky"))
    _paint_clouds(painter, weather, horizon, dice)


def _paint_clouds(painter: Painter, weather: Weather, horizon: float, dice: Dice) -> None:
    size = painter.size
    tile = textures.clouds(_COVER[weather])
    wide = dice.between(1.6, 3.2) * size / tile.width()
    matrix = skia.Matrix.MakeAll(
        wide, 0, dice.between(0, size), 0, wide * 0.42, dice.between(0, size), 0, 0, 1
    )
    repeat = skia.TileMode.kRepeat
    sampling = skia.SamplingOptions(skia.FilterMode.kLinear)
    tint = mix((255, 255, 255), _HORIZON[weather], 0.6)
    paint = skia.Paint(
        Shader=tile.makeShader(repeat, repeat, sampling, matrix),
        ColorFilter=skia.ColorFilters.Blend(packed(tint), skia.BlendMode.kModulate),
    )
    painter.detail_with(rectangle(0, 0, size, horizon), paint)
    veil = [packed(_HORIZON[weather], 0), packed(_HORIZON[weather], 230)]
    ends = [skia.Point(0, horizon * 0.45), skia.Point(0, horizon)]
    fade = skia.GradientShader.MakeLinear(ends, veil)
    painter.detail_with(rectangle(0, 0, size, horizon), skia.Paint(Shader=fade))
