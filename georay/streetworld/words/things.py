"""What a drawn scene shows and where, in words that name no place: dense targets for an encoder."""

from collections.abc import Iterator
from dataclasses import dataclass

from georay.streetworld.canvas.clues import Clue
from georay.streetworld.scene import Scene
from georay.streetworld.words.questions_facts import DESCRIBED, script_seen, words_seen
from georay.streetworld.words.questions_places import names_place

_TOLD = (*DESCRIBED, "driving side")


@dataclass(frozen=True)
class Thing:
    """A clue as it looks. `box`: left, top, right, bottom as shares of the picture's side."""

    kind: str
    text: str
    box: tuple[float, float, float, float]


def located_things(scene: Scene) -> tuple[Thing, ...]:
    """Every clue whose looks can be told without naming a country, a city or a people.

    A shop sign is two things: its script, and its words where they can be read. Misleading clues
    count: an encoder learns what is there, not what follows from it.
    """
    side = len(scene.mask)
    found = []
    for clue in scene.clues:
        left, top, right, bottom = (edge / side for edge in clue.box)
        for kind, text in _looks(scene, clue):
            if not names_place(text):
                found.append(Thing(kind, text, (left, top, right, bottom)))
    return tuple(found)


def _looks(scene: Scene, clue: Clue) -> Iterator[tuple[str, str]]:
    if clue.kind in _TOLD:
        yield clue.kind, clue.text
    elif clue.kind == "place name":
        yield clue.kind, clue.text.partition(" to ")[0]
    elif clue.kind == "script":
        yield "script", script_seen(scene, clue)
        words = words_seen(scene, clue)
        if words:
            yield "words", words
