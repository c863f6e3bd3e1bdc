"""Colours: names that the tables and the sentences share, and the light that falls on them."""

from dataclasses import dataclass

Rgb = tuple[int, int, int]

NAMED: dict[str, Rgb] = {
    "white": (240, 240, 236),
    "cream": (236, 222, 190),
    "yellow": (246, 200, 30),
    "amber": (235, 160, 30),
    "orange": (228, 112, 32),
    "red": (200, 36, 36),
    "maroon": (122, 32, 42),
    "pink": (226, 130, 160),
    "magenta": (214, 40, 120),
    "purple": (110, 60, 140),
    "blue": (34, 82, 170),
    "navy": (22, 40, 92),
    "light blue": (120, 176, 220),
    "teal": (20, 128, 128),
    "turquoise": (60, 180, 180),
    "green": (28, 124, 62),
    "dark green": (16, 74, 48),
    "lime": (140, 196, 50),
    "olive": (120, 120, 60),
    "meadow": (94, 124, 58),
    "black": (30, 30, 32),
    "grey": (130, 132, 134),
    "dark grey": (74, 76, 80),
    "light grey": (186, 188, 190),
    "silver": (176, 180, 186),
    "beige": (212, 194, 158),
    "sand": (216, 190, 142),
    "ochre": (204, 150, 74),
    "brown": (112, 78, 52),
    "dark brown": (78, 52, 36),
    "terracotta": (186, 98, 62),
    "brick red": (146, 68, 52),
    "brick brown": (130, 88, 66),
    "yellow brick": (190, 166, 116),
    "sandstone": (208, 178, 130),
    "limestone": (226, 214, 186),
    "salmon": (222, 150, 124),
    "slate": (84, 92, 104),
    "rust": (152, 76, 40),
    "red earth": (178, 84, 44),
    "gold": (206, 168, 74),
    "straw": (206, 186, 110),
    "mint": (168, 208, 180),
    "copper green": (110, 164, 140),
    "glass": (112, 146, 170),
    "concrete": (170, 166, 158),
}


def mix(first: Rgb, second: Rgb, share: float) -> Rgb:
    """`share` of the second colour in the first, clipped to [0, 1]."""
    share = min(1.0, max(0.0, share))
    r, g, b = first
    x, y, z = second
    return (
        round(r + (x - r) * share),
        round(g + (y - g) * share),
        round(b + (z - b) * share),
    )


def scaled(colour: Rgb, factor: float) -> Rgb:
    """The colour made darker (factor < 1) or lighter, clipped to 255."""
    r, g, b = colour
    return min(255, round(r * factor)), min(255, round(g * factor)), min(255, round(b * factor))


def packed(colour: Rgb, alpha: int = 255) -> int:
    """The colour as Skia takes it: 0xAARRGGBB."""
    return (alpha << 24) | (colour[0] << 16) | (colour[1] << 8) | colour[2]


@dataclass(frozen=True)
class Light:
    """The light of one scene: how bright each direction is, and what distance does to a colour."""

    ambient: float
    sun: float
    sun_side: int  # -1: the sun stands to the left of the road, +1: to the right
    tint: Rgb
    tint_share: float
    haze: Rgb
    haze_distance: float  # metres after which two thirds of a colour are haze

    def on(self, colour: Rgb, facing: float, depth: float) -> Rgb:
        """A surface's colour; `facing` in [-1, 1] is how far it turns to the sun, depth in m."""
        level = self.ambient + self.sun * max(0.0, facing)
        lit = mix(scaled(colour, level), self.tint, self.tint_share)
        return mix(lit, self.haze, self.haze_share(depth))

    def haze_share(self, depth: float) -> float:
        """How much of a colour at `depth` metres is haze, in [0, 1)."""
        reach = max(0.0, depth) / self.haze_distance
        return reach * reach / (1.0 + reach * reach) * 0.92
