"""Everything that the pieces of one scene are drawn with."""

from dataclasses import dataclass, field
from typing import Literal

import skia

from georay.streetworld.atlas.colours import NAMED, Rgb
from georay.streetworld.atlas.schema import City, Country
from georay.streetworld.canvas.camera import Camera
from georay.streetworld.canvas.clues import ClueLedger
from georay.streetworld.canvas.painter import Painter
from georay.streetworld.canvas.palette import Light
from georay.streetworld.dice import Dice

Weather = Literal["clear", "hazy", "overcast", "golden", "dusk", "rain"]
Kind = Literal["street", "suburb", "road", "coast", "tunnel", "wall", "forest", "fog", "field"]


@dataclass(frozen=True)
class Layout:
    """A road's cross-section in metres: half carriageway, half to the pavement's far edge."""

    road: float
    pavement: float
    end: float  # how far the road runs before it is lost behind things

    @property
    def edge(self) -> float:
        """Distance from the middle of the road to where buildings or fields begin."""
        return self.road + self.pavement


@dataclass
class Setting:
    """One scene in the making."""

    country: Country
    city: City
    kind: Kind
    weather: Weather
    layout: Layout
    light: Light
    camera: Camera
    painter: Painter
    dice: Dice
    ledger: ClueLedger
    features: list[str] = field(default_factory=list)

    @property
    def keep(self) -> int:
        """+1 where traffic keeps right, -1 where it keeps left."""
        return 1 if self.country.side == "right" else -1

    def lit(self, colour: Rgb | str, facing: float, depth: float) -> Rgb:
        """A colour, or the name of one, in this scene's light."""
        rgb = NAMED[colour] if isinstance(colour, str) else colour
        return self.light.on(rgb, facing, depth)

    def sunlit(self, side: int) -> float:
        """How much a wall on this side of the road (-1 left, +1 right) turns to the sun."""
        return 0.75 if side == -self.light.sun_side else -0.2

    def filter(self, depth: float, brightness: float = 1.0) -> skia.ColorFilter:
        """The scene's light on a sprite `depth` metres away."""
        white = self.light.on((255, 255, 255), 0.25, 0.0)
        share = self.light.haze_share(depth)
        rows: list[float] = []
        for channel in range(3):
            row = [0.0] * 5
            row[channel] = white[channel] / 255 * brightness * (1 - share)
            row[4] = self.light.haze[channel] / 255 * share
            rows += row
        return skia.ColorFilters.Matrix([*rows, 0.0, 0.0, 0.0, 1.0, 0.0])
