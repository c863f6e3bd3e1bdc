"""What clues say in words, and which of these things the streets of a country show.

Painting and telling go by the same words, so that a sentence can be held against a picture.
"""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from georay.streetworld.atlas.atlas import Atlas
from georay.streetworld.atlas.schema import (
    Bollard,
    Buildings,
    City,
    Country,
    Lamp,
    Lines,
    Nature,
    Plate,
    Signs,
    UtilityPole,
)

Thing = tuple[str, str]
"""A kind of clue, and its text."""

SAND_BEACH = "sand beach"
SKYLINE = "a skyline of towers"
COMMON_SPECIES = frozenset({"oak", "lime", "plane", "bush"})
"""Species that grow in so many countries that seeing them tells nothing."""
PLAIN_KERBS = frozenset({"light grey", "concrete", "limestone"})
PLAIN_SOILS = frozenset({"brown", "dark brown"})


def driving_words(country: Country) -> str:
    """On which side traffic keeps."""
    return f"traffic keeps {country.side}"


def centre_line_words(lines: Lines) -> str:
    """The line in the middle of the road."""
    return f"{lines.centre} {lines.pattern} centre line"


def edge_line_words(lines: Lines) -> str:
    """The lines along the road, where there are any."""
    return f"{lines.edge} {lines.edge_pattern} edge line"


def plate_words(plate: Plate, front: bool) -> str:
    """What a plate's description says: end, shape, colours."""
    colour = plate.front if front else plate.rear
    band = {
        "none": "",
        "left": f" and a {plate.band_colour} band on the left",
        "both sides": f" and {plate.band_colour} bands on both sides",
        "top": f" and a {plate.band_colour} band on top",
    }[plate.band]
    end = "front" if front else "rear"
    return f"{plate.shape} {colour} {end} plate with {plate.ink} letters{band}"


def bollard_words(design: Bollard) -> str:
    """A delineator post: body, band and reflector."""
    return (
        f"{design.body} {design.shape} bollard with a {design.band_style} {design.band} band "
        f"and a {design.reflector} reflector"
    )


def pole_words(pole: UtilityPole) -> str:
    """A utility pole: material, head and foot."""
    guard = f" with a {' and '.join(pole.guard)} striped foot" if pole.guard else ""
    style = {
        "crossarm": "with a crossarm",
        "plain": "without a crossarm",
        "ladder": "with holes like a ladder",
        "cluttered": "carrying a tangle of cables and boxes",
    }[pole.style]
    return f"{pole.material} utility pole {style}{guard}"


def lamp_words(lamp: Lamp) -> str:
    """A street lamp: colour and form."""
    return f"{lamp.colour} {lamp.style} street lamp"


def sign_words(text: str, language: str) -> str:
    """What a signboard says, and in which language."""
    return f"{text} ({language})"


def direction_words(signs: Signs, first: str, second: str) -> str:
    """A direction sign with two names."""
    return f"{signs.guide} direction sign to {first} and {second}"


def warning_words(signs: Signs) -> str:
    """The shape and colour of warning signs."""
    return f"{signs.warning} warning sign"


def houses_words(style: Buildings) -> str:
    """Detached houses: walls and roofs."""
    walls = " or ".join(dict.fromkeys(style.house_walls))
    return f"{walls} houses, {style.roof} {style.roof_form} roofs"


def soil_words(soil: str) -> str:
    """Bare soil beside the road."""
    return f"{soil.removesuffix(' earth')} soil"


def kerb_words(colours: tuple[str, ...]) -> str:
    """A kerb in colours that say something."""
    return f"{' and '.join(colours)} painted kerb"


def pavement_words(city: City) -> str:
    """How pavements are laid."""
    pattern, colour = city.pavement
    return f"{colour} {pattern} on the pavement"


def taxi_words(city: City) -> str:
    """A taxi: colour and livery."""
    colour, livery = city.taxi
    if livery == "cab":
        return f"{colour} cab"
    return f"{colour} taxi" if livery == "saloon" else f"{colour} taxi, {livery}"


def tram_words(city: City) -> str:
    """A tram, of a city that has them."""
    return f"{city.tram} tram"


def bus_body(country: Country) -> str:
    """The body of city buses."""
    return "double-decker" if country.code in ("GB", "IE") else "bus"


def bus_words(country: Country, city: City) -> str:
    """A city bus: colour and body."""
    return f"{city.bus or country.bus} {bus_body(country)}"


def flag_words(country: Country) -> str:
    """The national flag."""
    return f"the {country.name} flag"


def landmark_words(design: tuple[str, str]) -> str:
    """A landmark by its form and material."""
    return f"{design[1]} {design[0]}"


def has_palms(nature: Nature) -> bool:
    """Whether palms line the shore: where the table names any of their species."""
    return any("palm" in tree for tree in nature.street_trees + nature.country_trees)


@cache
def things_of(code: str) -> frozenset[Thing]:
    """All that a scene of a country (alpha-2 code) may show and that tells where it is.

    None for a country that is not in the table. What misleads is not among them.
    """
    country = Atlas.load().by_code.get(code)
    if country is None:
        return frozenset()
    of_cities = (thing for city in country.cities for thing in _of_city(country, city))
    return frozenset({*_of_country(country), *of_cities})


@cache
def all_things() -> frozenset[Thing]:
    """All that any scene may show, of every country."""
    return frozenset().union(*map(things_of, Atlas.load().by_code))


def _of_country(country: Country) -> Iterator[Thing]:
    yield "driving side", driving_words(country)
    yield "centre line", centre_line_words(country.lines)
    if country.lines.edge is not None:
        yield "edge line", edge_line_words(country.lines)
    yield "bollard", bollard_words(country.bollard)
    yield "utility pole", pole_words(country.pole)
    yield "street lamp", lamp_words(country.lamp)
    yield "warning sign", warning_words(country.signs)
    yield "buildings", country.buildings.material
    yield "houses", houses_words(country.buildings)
    yield "flag", flag_words(country)
    if len(country.kerb) > 1 or country.kerb[0] not in PLAIN_KERBS:
        yield "kerb", kerb_words(country.kerb)
    if country.nature.soil not in PLAIN_SOILS:
        yield "soil", soil_words(country.nature.soil)
    for species in {*country.nature.street_trees, *country.nature.country_trees} - COMMON_SPECIES:
        yield "vegetation", species
    for text in country.signs.shops:
        yield "script", sign_words(text, country.signs.language)


def _of_city(country: Country, city: City) -> Iterator[Thing]:
    for front in (False, True):
        plate = city.plate or country.plate
        if not front or plate.front is not None:
            yield "plate", plate_words(plate, front)
    yield "pavement", pavement_words(city)
    yield "taxi", taxi_words(city)
    yield "bus", bus_words(country, city)
    if city.tram:
        yield "tram", tram_words(city)
    yield "landmark", landmark_words(city.landmark)
    if city.skyline:
        yield "skyline", SKYLINE
    if city.sea:
        yield "soil", SAND_BEACH
        if has_palms(country.nature):
            yield "vegetation", "palm"
    for pair in pairwise((*city.districts, city.districts[0])):
        yield "place name", direction_words(country.signs, *pair)
