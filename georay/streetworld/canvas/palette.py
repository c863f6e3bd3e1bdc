"""Colours mixed and darkened, and the light that falls on them."""

from dataclasses import dataclass

from georay.streetworld.atlas.colours import Rgb


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
