"""What the atlas states: the visible conventions of a country, and what its landmarks look like.

Rows state what published guides describe as facts. A value that nothing can draw is refused, and
so is a key that nothing reads.
"""

from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from georay.streetworld.atlas.colours import NAMED

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
Paving = Literal[
    "slabs",
    "setts",
    "waves",
    "mosaic",
    "map tiles",
    "flower tiles",
    "vanilla tiles",
    "tactile strip",
    "yellow cobbles",
]
Plant = Literal[
    "oak",
    "lime",
    "plane",
    "maple",
    "ginkgo",
    "cherry",
    "jacaranda",
    "orange tree",
    "neem",
    "ficus",
    "olive",
    "birch",
    "poplar",
    "cypress",
    "spruce",
    "cedar",
    "pine",
    "stone pine",
    "acacia",
    "eucalyptus",
    "bamboo",
    "palm",
    "date palm",
    "cactus",
    "agave",
    "bush",
]
Emblem = Literal[
    "union",
    "states",
    "canada",
    "australia",
    "greece",
    "portugal",
    "israel",
    "emirates",
    "south africa",
    "india",
    "korea",
    "china",
    "brazil",
    "argentina",
]
Shape = Literal[
    "box",
    "crown",
    "columns",
    "ball",
    "face",
    "taper",
    "point",
    "lean",
    "dome",
    "onion",
    "eaves",
    "gate",
    "arc",
    "leg",
    "hill",
    "peak",
    "mesa",
    "snow",
]


def _known_colour(name: str) -> str:
    if name not in NAMED:
        raise ValueError(f"no colour {name!r}; there are {', '.join(NAMED)}")
    return name


def _known_landmark(form: str, info: ValidationInfo) -> str:
    """The form, if it is among the landmarks, which are the context of the validation."""
    if form not in (info.context or ()):
        raise ValueError(f"no landmark {form!r} in the folder landmarks")
    return form


def _known_livery(livery: str) -> str:
    colour, _, part = livery.rpartition(" ")
    if part in ("roof", "wings", "stripe", "doors"):
        _known_colour(colour)
    elif livery not in ("saloon", "cab", "songthaew"):
        raise ValueError(
            f"no livery {livery!r}; there are saloon, cab, songthaew, and a colour followed by "
            "roof, wings, stripe or doors"
        )
    return livery


_NUM_COLOURS = {"h": (2, 9), "v": (2, 9), "cross": (2, 2), "disc": (2, 2), "crescent": (1, 1)}


def _known_flag(design: str) -> str:
    kind, colon, names = design.partition(":")
    if not colon:
        if design not in get_args(Emblem):
            raise ValueError(f"no emblem {design!r}; there are {', '.join(get_args(Emblem))}")
        return design
    if kind not in _NUM_COLOURS:
        raise ValueError(f"no flag is drawn as {kind!r}; there are {', '.join(_NUM_COLOURS)}")
    colours = [_known_colour(name) for name in names.split(",")]
    least, most = _NUM_COLOURS[kind]
    if not least <= len(colours) <= most:
        raise ValueError(f"{kind} takes {least} to {most} colours, not {len(colours)}")
    return design


Colour = Annotated[str, AfterValidator(_known_colour)]
"""A name in `colours.NAMED`."""
Flag = Annotated[str, AfterValidator(_known_flag)]
"""An emblem's name, or `h:`, `v:` (stripes), `cross:`, `disc:`, `crescent:` and colours."""
Livery = Annotated[str, AfterValidator(_known_livery)]
Share = Annotated[float, Field(ge=0, le=1)]


class Row(BaseModel):
    """Base of what the files hold: frozen; unknown keys, NaN and infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Lines(Row):
    """Road markings. `edge_pattern` is read only where `edge` is a colour."""

    centre: Colour
    pattern: Pattern
    edge: Colour | None = "white"
    edge_pattern: Literal["solid", "dashed"] = "solid"


class Plate(Row):
    """A number plate; `band` is the strip in another colour, `front` None where none is carried."""

    shape: Literal["long", "short"]
    front: Colour | None
    rear: Colour
    ink: Colour = "black"
    band: Literal["none", "left", "both sides", "top"] = "none"
    band_colour: Colour = "blue"


class Bollard(Row):
    """A roadside delineator post; the band sits near its top."""

    body: Colour
    band: Colour
    band_style: Literal["flat", "slanted"] = "flat"
    reflector: Colour = "white"
    shape: Literal["flat", "round"] = "flat"


class UtilityPole(Row):
    """The pole that carries power lines along streets; `guard` colours stripe its foot."""

    material: Literal["wooden", "concrete", "steel"]
    style: Literal["crossarm", "plain", "ladder", "cluttered"]
    guard: tuple[Colour, Colour] | None = None


class Lamp(Row):
    """A street lamp."""

    style: Literal["curved", "single arm", "double arm", "globes", "lantern"]
    colour: Colour


class Buildings(Row):
    """Town buildings: colours, the material in words, windows and what hangs on the front.

    storeys: the least and the most. air_conditioners, awnings: how often a front has them.
    """

    material: str
    walls: tuple[Colour, ...] = Field(min_length=1)
    windows: WindowStyle
    storeys: tuple[int, int]
    roof: Colour
    roof_form: RoofForm
    trim: Colour = "white"
    shutters: Colour = "green"
    brick: bool = False
    air_conditioners: Share = 0.0
    awnings: Share = 0.3
    house_walls: tuple[Colour, ...] = Field(min_length=1)


class Signs(Row):
    """Writing in the street: language, script, words on shop fronts, and how road signs look."""

    language: str
    script: Script
    shops: tuple[str, ...] = Field(min_length=1)
    warning: Literal["white triangle", "yellow triangle", "yellow diamond"]
    guide: Colour
    vertical: bool = False


class Nature(Row):
    """What grows and lies beside the road."""

    street_trees: tuple[Plant, ...] = Field(min_length=1)
    country_trees: tuple[Plant, ...] = Field(min_length=1)
    soil: Colour
    grass: Colour
    relief: Literal["flat", "hills", "mountains"] = "hills"
    crop: Colour = "straw"


class Taxi(NamedTuple):
    """How taxis of a city look."""

    colour: Colour
    livery: Livery


class Sight(NamedTuple):
    """A landmark of a city: which one of the folder `landmarks`, and its colour."""

    form: Annotated[str, AfterValidator(_known_landmark)]
    colour: Colour


class Pavement(NamedTuple):
    """How pavements of a city are laid."""

    pattern: Paving
    colour: Colour


class City(Row):
    """A city of the atlas; its coordinates come from the gazetteer by name and country.

    skyline: how often towers stand behind its streets. tram: the colour of its trams, None where
    it has none. bus, plate: where they differ from the country's. sea: whether it lies by the sea.
    """

    name: str
    taxi: Taxi
    landmark: Sight
    districts: tuple[str, ...] = Field(min_length=2)
    pavement: Pavement
    skyline: Share = 0.1
    tram: Colour | None = None
    bus: Colour | None = None
    plate: Plate | None = None
    sea: bool = False


class Country(Row):
    """One file: a country and everything that its streets show. code: ISO 3166-1 alpha-2."""

    code: Annotated[str, Field(pattern="^[A-Z]{2}$")]
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
    kerb: tuple[Colour, ...] = Field(min_length=1)
    bus: Colour
    flag: Flag
    cities: tuple[City, ...] = Field(min_length=1)


Part = tuple[Shape, float, float, float, float]
"""A shape and four numbers in shares of the landmark's height, its foot at 0 and its middle at 0.

(left, low, right, high) for box, crown and columns, (x, y, radius, 0) for ball and face, else
(middle, half width, low, high).
"""


class Landmark(Row):
    """A silhouette from its parts, which are drawn in this order; its height in metres."""

    label: Literal["tower", "building", "mountain"]
    height: Annotated[float, Field(gt=0)]
    windows: bool = False
    parts: tuple[Part, ...] = Field(min_length=1)

    @property
    def reach(self) -> float:
        """How far it spreads to a side, in heights."""
        boxes = ("box", "crown", "columns")
        return max(
            max(abs(a), abs(c)) if kind in boxes else abs(a) + (c if kind == "ball" else b)
            for kind, a, b, c, _ in self.parts
        )
