"""The visible conventions of a country: one row of the table that the world is drawn from.

Rows state what published guides describe as facts. Colours are names in `palette.NAMED`.
"""

from dataclasses import dataclass
from typing import Literal

Side = Literal["left", "right"]
Pattern = Literal["dashed", "solid", "double solid", "solid and dashed"]
Script = Literal[
    "latin",
    "cyrillic",
    "greek",
    "arabic",
    "hebrew",
    "devanagari",
    "thai",
    "hangul",
    "kana and kanji",
    "hanzi",
]
WindowStyle = Literal["sash", "shutters", "panel", "ribbon", "arched", "balcony"]
RoofForm = Literal["gable", "hip", "flat", "swept"]


@dataclass(frozen=True)
class Lines:
    """Road markings. `edge_pattern` is read only where `edge` is a colour."""

    centre: str
    pattern: Pattern
    edge: str | None = "white"
    edge_pattern: Literal["solid", "dashed"] = "solid"


@dataclass(frozen=True)
class Plate:
    """A number plate; `band` is the strip in another colour, `front` None where none is carried."""

    shape: Literal["long", "short"]
    front: str | None
    rear: str
    ink: str = "black"
    band: Literal["none", "left", "both sides", "top"] = "none"
    band_colour: str = "blue"


@dataclass(frozen=True)
class Bollard:
    """A roadside delineator post; the band sits near its top."""

    body: str
    band: str
    band_style: Literal["flat", "slanted"] = "flat"
    reflector: str = "white"
    shape: Literal["flat", "round"] = "flat"


@dataclass(frozen=True)
class UtilityPole:
    """The pole that carries power lines along streets; `guard` colours stripe its foot."""

    material: Literal["wooden", "concrete", "steel"]
    style: Literal["crossarm", "plain", "ladder", "cluttered"]
    guard: tuple[str, str] | None = None


@dataclass(frozen=True)
class Lamp:
    """A street lamp."""

    style: Literal["curved", "single arm", "double arm", "globes", "lantern"]
    colour: str


@dataclass(frozen=True)
class Buildings:
    """Town buildings: colours, the material in words, windows and what hangs on the front."""

    material: str
    walls: tuple[str, ...]
    windows: WindowStyle
    storeys: tuple[int, int]
    roof: str
    roof_form: RoofForm
    trim: str = "white"
    shutters: str = "green"
    brick: bool = False
    air_conditioners: float = 0.0
    awnings: float = 0.3
    house_walls: tuple[str, ...] = ()


@dataclass(frozen=True)
class Signs:
    """Writing in the street: language, script, words on shop fronts, and how road signs look."""

    language: str
    script: Script
    shops: tuple[str, ...]
    warning: Literal["white triangle", "yellow triangle", "yellow diamond"]
    guide: str
    vertical: bool = False


@dataclass(frozen=True)
class Nature:
    """What grows and lies beside the road. Species are names in `vegetation.SPECIES`."""

    street_trees: tuple[str, ...]
    country_trees: tuple[str, ...]
    soil: str
    grass: str
    relief: Literal["flat", "hills", "mountains"] = "hills"
    crop: str = "straw"


@dataclass(frozen=True)
class City:
    """A city of the table; its coordinates come from the gazetteer by name and country."""

    name: str
    taxi: tuple[str, str]
    landmark: tuple[str, str]
    districts: tuple[str, ...]
    pavement: tuple[str, str]
    skyline: float = 0.1
    tram: str | None = None
    bus: str | None = None
    plate: Plate | None = None
    sea: bool = False


@dataclass(frozen=True)
class Country:
    """One row: a country and everything that its streets show."""

    code: str
    name: str
    side: Side
    lines: Lines
    plate: Plate
    bollard: Bollard
    pole: UtilityPole
    lamp: Lamp
    buildings: Buildings
    signs: Signs
    nature: Nature
    kerb: tuple[str, ...]
    bus: str
    flag: str
    cities: tuple[City, ...]
