"""What is true about a drawn scene, as short facts that a question can ask for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from georay.locatability.labels import ADE20K_LABELS, LABEL_INDEX, NUM_LABELS, short_name
from georay.streetworld.atlas.atlas import Atlas
from georay.streetworld.atlas.schema import City, Country
from georay.streetworld.canvas.clues import Clue
from georay.streetworld.canvas.lettering import script_of
from georay.streetworld.scene import Scene
from georay.streetworld.words.questions_places import sign_names_place

QuestionKind = Literal[
    "description",
    "layout",
    "setting",
    "detail",
    "colour",
    "count",
    "presence",
    "side",
    "script",
    "sign",
]


@dataclass(frozen=True)
class Fact:
    """`answer` is true of `subject`; the subject is empty where a kind asks for one thing only."""

    kind: QuestionKind
    subject: str
    answer: str


_SETTINGS = {
    "street": "a town street",
    "suburb": "a residential street",
    "road": "a country road",
    "coast": "a seaside road",
    "tunnel": "a road tunnel",
    "wall": "a plain wall",
    "forest": "a forest",
    "fog": "a road in fog",
    "field": "an empty field",
}
_WEATHERS = {
    "clear": "sunny",
    "hazy": "hazy",
    "overcast": "overcast",
    "golden": "low evening sun",
    "dusk": "dusk",
    "rain": "rain",
}
# Texts of these clues describe a thing without any name in it; "flag" and "script" do not.
DESCRIBED = {
    "centre line": "centre line",
    "edge line": "edge line",
    "plate": "largest number plate",
    "bollard": "bollard",
    "utility pole": "utility pole",
    "street lamp": "street lamp",
    "warning sign": "warning sign",
    "buildings": "town buildings",
    "houses": "houses",
    "vegetation": "vegetation",
    "soil": "soil",
    "kerb": "kerb",
    "pavement": "pavement",
    "taxi": "taxi",
    "bus": "bus",
    "tram": "tram",
    "landmark": "landmark",
}
_COUNTED = {
    "cars": ("car", "van", "truck"),
    "people": ("person",),
    "poles": ("pole",),
    "signs": ("signboard",),
}
_LEAST_GROUP = 3e-4  # share of the picture
_MANY = 5
_SEEN_BY_LABEL = {
    "people": ("person",),
    "cars": ("car", "van", "truck"),
    "the sea": ("sea",),
    "palms": ("palm",),
    "a fence": ("fence",),
    "awnings": ("awning",),
    "mountains": ("mountain",),
    "a pavement": ("sidewalk",),
    "houses": ("house",),
}
_LEAST_SEEN = 1e-3
_SEEN_BY_CLUE = {
    "a bollard": "bollard",
    "a utility pole": "utility pole",
    "a street lamp": "street lamp",
    "a taxi": "taxi",
    "a bus": "bus",
    "a tram": "tram",
    "a flag": "flag",
    "a landmark on the horizon": "landmark",
    "a skyline of towers": "skyline",
    "a warning sign": "warning sign",
    "a direction sign": "place name",
    "oncoming traffic": "driving side",
}
_SIDED = {
    "landmark": "landmark",
    "taxi": "taxi",
    "bus": "bus",
    "tram": "tram",
    "flag": "flag",
    "warning sign": "warning sign",
    "place name": "direction sign",
}
_MIDDLE = (0.42, 0.58)  # neither left nor right
_GRID = 4
_LEGIBLE = 2.5e-3  # share of the picture that a sign's board covers


def facts_of(scene: Scene) -> Iterator[Fact]:
    """Everything that is asked about a scene, in a fixed order."""
    clues = _by_kind(scene)
    yield Fact("description", "", scene.caption)
    yield Fact("layout", "", layout(scene.mask))
    yield Fact("setting", "place", _SETTINGS[scene.kind])
    if scene.kind != "tunnel":
        yield Fact("setting", "weather", _WEATHERS[scene.weather])
    yield from _details(clues)
    yield from _colours(scene, clues)
    for subject, labels in _COUNTED.items():
        number = num_groups(scene.mask, labels)
        yield Fact("count", subject, str(number) if number < _MANY else f"{_MANY} or more")
    yield from _presences(scene.mask, clues)
    yield from _sides(scene.mask, clues)
    yield from _signs(scene, clues)


def layout(mask: NDArray[np.uint8]) -> str:
    """What covers most of each cell of a 4 by 4 grid: cells by commas, rows by semicolons."""
    rows = [
        ", ".join(_most_seen(cell) for cell in np.array_split(band, _GRID, axis=1))
        for band in np.array_split(mask, _GRID, axis=0)
    ]
    return "; ".join(rows)


def num_groups(mask: NDArray[np.uint8], labels: tuple[str, ...]) -> int:
    """How many groups the pixels of these labels form; small gaps are closed, specks left out.

    mask: ADE20K ids [size, size]. What stands in front of a thing must not make two of it.
    """
    seen = np.isin(mask, [LABEL_INDEX[label] for label in labels])
    if not seen.any():
        return 0
    reach = max(1, len(mask) // 150)
    closed = ndimage.binary_closing(seen, np.ones((3, 3)), iterations=reach) | seen
    groups, _ = ndimage.label(closed, np.ones((3, 3)))
    sizes = np.bincount(groups[seen])
    return int((sizes[1:] >= _LEAST_GROUP * mask.size).sum())


def _most_seen(cell: NDArray[np.uint8]) -> str:
    winner = np.bincount(cell.ravel(), minlength=NUM_LABELS).argmax()
    return short_name(ADE20K_LABELS[winner])


def _by_kind(scene: Scene) -> dict[str, list[Clue]]:
    """The true clues of each kind, the largest first."""
    clues: dict[str, list[Clue]] = {}
    for clue in sorted(scene.clues, key=lambda clue: -clue.pixels):
        if not clue.misleading:
            clues.setdefault(clue.kind, []).append(clue)
    return clues


def _details(clues: dict[str, list[Clue]]) -> Iterator[Fact]:
    for kind, subject in DESCRIBED.items():
        texts = list(dict.fromkeys(clue.text for clue in clues.get(kind, ())))
        if texts:
            answer = ", ".join(texts) if kind == "vegetation" else texts[0]
            yield Fact("detail", subject, answer)


def _place(scene: Scene) -> tuple[Country, City]:
    country = Atlas.load().by_code[scene.country]
    return country, next(city for city in country.cities if city.name == scene.city)


def _colours(scene: Scene, clues: dict[str, list[Clue]]) -> Iterator[Fact]:
    country, city = _place(scene)
    for kind, subject, colour in _colour_table(country, city):
        if kind in clues:
            yield Fact("colour", subject, colour)
    if "plate" in clues:
        plate = city.plate or country.plate
        front = " front plate" in clues["plate"][0].text
        colour = plate.front if front and plate.front else plate.rear
        yield Fact("colour", "largest number plate", colour)


def _colour_table(country: Country, city: City) -> Iterator[tuple[str, str, str]]:
    """(kind of clue that shows it, what has the colour, colour)."""
    yield "centre line", "centre line", country.lines.centre
    if country.lines.edge:
        yield "edge line", "edge line", country.lines.edge
    yield "houses", "roof of the houses", country.buildings.roof
    yield "taxi", "taxi", city.taxi[0]
    yield "bus", "bus", city.bus or country.bus
    if city.tram:
        yield "tram", "tram", city.tram
    yield "street lamp", "street lamp", country.lamp.colour
    yield "bollard", "bollard", country.bollard.body
    yield "place name", "direction sign", country.signs.guide
    yield "pavement", "pavement", city.pavement[1]


def _presences(mask: NDArray[np.uint8], clues: dict[str, list[Clue]]) -> Iterator[Fact]:
    """What is seen well, and what is not there at all; nothing is said of the rest."""
    shares = np.bincount(mask.ravel(), minlength=NUM_LABELS) / mask.size
    for subject, labels in _SEEN_BY_LABEL.items():
        share = shares[[LABEL_INDEX[label] for label in labels]].sum()
        if share == 0 or share >= _LEAST_SEEN:
            yield Fact("presence", subject, "yes" if share else "no")
    for subject, kind in _SEEN_BY_CLUE.items():
        yield Fact("presence", subject, "yes" if kind in clues else "no")


def _sides(mask: NDArray[np.uint8], clues: dict[str, list[Clue]]) -> Iterator[Fact]:
    for clue in clues.get("driving side", ())[:1]:
        yield Fact("side", "traffic", clue.text.rpartition(" ")[2])
    size = mask.shape[1]
    for kind, subject in _SIDED.items():
        centres = [(clue.box[0] + clue.box[2]) / 2 / size for clue in clues.get(kind, ())]
        yield from _side(subject, centres)
    columns = np.flatnonzero((mask == LABEL_INDEX["sea"]).any(axis=0))
    if len(columns):
        yield from _side("sea", [float(columns.mean()) / size])


def _side(subject: str, centres: list[float]) -> Iterator[Fact]:
    if centres and max(centres) < _MIDDLE[0]:
        yield Fact("side", subject, "left")
    elif centres and min(centres) > _MIDDLE[1]:
        yield Fact("side", subject, "right")


def _signs(scene: Scene, clues: dict[str, list[Clue]]) -> Iterator[Fact]:
    """Script and words of the largest shop sign, where it can be read."""
    for sign in clues.get("script", ())[:1]:
        if sign.pixels < _LEGIBLE * scene.mask.size:
            continue
        yield Fact("script", "", script_seen(scene, sign))
        words = words_seen(scene, sign)
        if words:
            yield Fact("sign", "", words)


def script_seen(scene: Scene, sign: Clue) -> str:
    """What a shop sign is written in, told without a people's name."""
    script = script_of(_words(sign))
    if script != "latin" and not sign.misleading:
        script = _place(scene)[0].signs.script
    return _SCRIPTS[script]


def words_seen(scene: Scene, sign: Clue) -> str:
    """The words of a shop sign; empty where they cannot be read or name a place."""
    words = _words(sign)
    legible = sign.pixels >= _LEGIBLE * scene.mask.size and _is_whole(sign, words)
    return words if legible and not sign_names_place(words) else ""


def _words(sign: Clue) -> str:
    return sign.text.rpartition(" (")[0]  # the language behind it is a demonym


# "Greek" and "Thai" are demonyms too: their scripts are told by what they look like.
_SCRIPTS = {
    "latin": "Latin letters",
    "cyrillic": "Cyrillic letters",
    "greek": "letters from alpha to omega",
    "arabic": "Arabic letters",
    "hebrew": "square letters from alef to tav",
    "devanagari": "Devanagari letters",
    "thai": "letters with small loops",
    "hangul": "Hangul blocks",
    "kana and kanji": "kana and kanji",
    "hanzi": "hanzi",
}
_MOST_DOWNWARDS = 5


def _is_whole(sign: Clue, words: str) -> bool:
    """Whether all of a sign's words are on it: boards that hang down hold five letters."""
    left, top, right, bottom = sign.box
    return bottom - top < right - left or len("".join(words.split())) <= _MOST_DOWNWARDS
