"""Which texts name a place: no question about a scene may give its country or city away."""

import re
from functools import cache

from georay.core.gazetteer import Gazetteer
from georay.core.names import fold
from georay.streetworld.atlas.atlas import Atlas
from georay.streetworld.canvas.lettering import script_of

_WORD = re.compile(r"[^\s,.;:()/&!?\"'’-]+")
_MOST_WORDS = 4
_LARGE_TOWN = 100_000
_LONGEST_CODE = 3  # "an", "is" and "can" are codes of countries, and words
_PLAIN_WORDS = frozenset({"pole", "iron", "kana"})  # a people and two countries in other languages
_WRITTEN_TOGETHER = frozenset({"hanzi", "kana and kanji", "hangul", "thai"})


@cache
def names_place(text: str) -> bool:
    """Whether a text holds a country's name or demonym in any language, or one of our cities'.

    A word that begins with a city's name ("Parisian") counts as that city's.
    """
    return any(_is_place(run) for run in _runs(text))


@cache
def sign_names_place(text: str) -> bool:
    """As `names_place`, and also for any larger town of the gazetteer.

    Some scripts write words together: every part of such a text is looked up.
    """
    runs = _runs(text)
    if script_of(text) in _WRITTEN_TOGETHER:
        runs += [text[i:j] for i in range(len(text)) for j in range(i + 2, len(text) + 1)]
    return any(_is_place(run) or _is_large_town(run) for run in runs)


def _runs(text: str) -> list[str]:
    words = _WORD.findall(text)
    return [
        " ".join(words[start:stop])
        for start in range(len(words))
        for stop in range(start + 1, min(start + _MOST_WORDS, len(words)) + 1)
    ]


@cache
def _is_place(run: str) -> bool:
    if (run.isascii() and len(run) <= _LONGEST_CODE) or run in _PLAIN_WORDS:
        return False
    name, cities = fold(run), _city_names()
    of_city = name in cities if " " in run else name.startswith(cities)
    return of_city or Gazetteer.load().country(run) is not None


def _is_large_town(run: str) -> bool:
    if run.isascii() and len(run) <= _LONGEST_CODE:
        return False
    town = Gazetteer.load().resolve(run)
    return town is not None and town.population >= _LARGE_TOWN


@cache
def _city_names() -> tuple[str, ...]:
    return tuple(
        fold(name)
        for _, city in Atlas.load().places
        for name in (city.name, *city.districts)
        if fold(name)
    )
