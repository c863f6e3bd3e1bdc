"""Which geographic places a sentence names (paper, section 3.1), by a tagger and the gazetteer.

A name that is also an ordinary word or a person's (Nice, Reading, Jordan) is a place only where
the sentence treats it as one. "Turkish coffee" names no place, "Turkish licence plates" does.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from georay.clues.entities import Entity
from georay.core.gazetteer import Gazetteer

Rule = Literal["entity", "gazetteer", "people"]

_WORD = re.compile(r"[^\W\d_]+(?:[.'’-][^\W\d_]+)*", re.UNICODE)
_LONGEST_NAME = 5
_SHORT_FORMS = frozenset({"US", "USA", "UK", "UAE", "DRC", "U.S", "U.K"})
_JOINING = frozenset(
    [
        "of",
        "and",
        "the",
        "de",
        "da",
        "do",
        "del",
        "la",
        "las",
        "los",
        "el",
        "le",
        "den",
        "di",
        "du",
        "al",
        "es",
        "sur",
        "am",
        "an",
    ]
)
_LOCATIVE = frozenset(
    [
        "in",
        "from",
        "near",
        "to",
        "across",
        "throughout",
        "around",
        "within",
        "outside",
        "of",
        "through",
        "towards",
        "toward",
        "into",
        "at",
        "between",
        "like",
        "unlike",
        "than",
        "and",
        "or",
        "northern",
        "southern",
        "eastern",
        "western",
        "central",
        "north",
        "south",
        "east",
        "west",
        "northeast",
        "northwest",
        "southeast",
        "southwest",
        "rural",
        "coastal",
        "inland",
        "mainland",
        "upper",
        "lower",
    ]
)
_TREATED_AS_PLACE = frozenset(
    [
        "has",
        "have",
        "is",
        "are",
        "was",
        "uses",
        "use",
        "features",
        "tends",
        "can",
        "does",
        "also",
        "shares",
        "borders",
        "lies",
        "contains",
        "resembles",
        "looks",
        "drives",
        "often",
        "mostly",
        "usually",
        "generally",
        "commonly",
    ]
)
# Places whose name is also a word, a dish or somebody's: alone they prove nothing.
_AMBIGUOUS = frozenset(
    [
        "bath",
        "best",
        "chad",
        "cuba",
        "georgia",
        "guinea",
        "java",
        "jersey",
        "jordan",
        "man",
        "mali",
        "march",
        "mobile",
        "nice",
        "of",
        "oman",
        "paris",
        "polish",
        "reading",
        "split",
        "troy",
        "turkey",
        "victoria",
        "virginia",
        "orange",
        "lima",
        "china",
        "along",
        "male",
        "tours",
        "sale",
        "battle",
        "deal",
        "rugby",
        "sandwich",
        "cork",
        "bend",
        "tour",
        "wells",
        "hope",
        "lincoln",
        "washington",
        "madison",
    ]
)
_NO_PLACE_AFTER_PEOPLE = frozenset(
    [
        "alphabet",
        "bath",
        "baths",
        "bread",
        "cafe",
        "coffee",
        "cuisine",
        "delight",
        "dish",
        "dishes",
        "door",
        "doors",
        "dressing",
        "flag",
        "food",
        "fries",
        "language",
        "languages",
        "letter",
        "letters",
        "menu",
        "mile",
        "oven",
        "pizza",
        "restaurant",
        "restaurants",
        "roulette",
        "script",
        "scripts",
        "sentence",
        "sentences",
        "siding",
        "sounding",
        "speaking",
        "spelling",
        "tea",
        "text",
        "translation",
        "windows",
        "word",
        "words",
        "writing",
        "characters",
        "symbols",
    ]
)
_SPOKEN = frozenset(
    [
        "speak",
        "speaks",
        "spoken",
        "written",
        "read",
        "reads",
        "say",
        "says",
        "language",
        "translated",
    ]
)


@dataclass(frozen=True, slots=True)
class PlaceSpan:
    """A place that a sentence names: characters start to end, and what says it is one.

    country: alpha-2 code, where the name is that of a country or of its people.
    """

    start: int
    end: int
    name: str
    rule: Rule
    country: str | None


class PlaceFinder:
    """Combines a tagger's entities with the gazetteer."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer

    def find(self, text: str, entities: Sequence[Entity]) -> list[PlaceSpan]:
        """The places that a text names, in the order in which they stand; no two overlap."""
        words = [_Word(match) for match in _WORD.finditer(text)]
        found = [
            *self._of_entities(text, entities),
            *self._of_gazetteer(text, words, entities),
            *self._of_people(text, words),
        ]
        return _without_overlaps(found)

    def _of_entities(self, text: str, entities: Sequence[Entity]) -> Iterator[PlaceSpan]:
        for entity in entities:
            name = _bare(text[entity.start : entity.end])
            if entity.kind != "place" or not name or name.islower():
                continue
            start = text.index(name, entity.start)
            yield PlaceSpan(start, start + len(name), name, "entity", self._country(name))

    def _of_gazetteer(
        self, text: str, words: Sequence["_Word"], entities: Sequence[Entity]
    ) -> Iterator[PlaceSpan]:
        """Names the tagger did not call places: countries, and towns behind a word of place."""
        others = [(one.start, one.end) for one in entities if one.kind == "other"]
        for at, length in _names(words):
            first, last = words[at], words[at + length - 1]
            name = text[first.start : last.end]
            country = self._country(name)
            is_led = at > 0 and words[at - 1].plain in _LOCATIVE
            is_name_of_other = any(a < last.end and first.start < b for a, b in others)
            if country is None or self._is_people(name):
                is_place = is_led and not is_name_of_other and self._is_town(name)
            elif first.plain in _AMBIGUOUS and length == 1:
                is_place = is_led or _is_subject(words, at)
            else:
                is_place = True
            if is_place:
                yield PlaceSpan(first.start, last.end, name, "gazetteer", country)

    def _of_people(self, text: str, words: Sequence["_Word"]) -> Iterator[PlaceSpan]:
        for at, word in enumerate(words):
            if not word.is_capital or not self._is_people(word.text):
                continue
            after = words[at + 1].plain if at + 1 < len(words) else ""
            is_spoken = at > 0 and words[at - 1].plain in _SPOKEN
            ends = not after or text[word.end : word.end + 1] in ".,;:!?)"
            if after in _NO_PLACE_AFTER_PEOPLE or is_spoken or ends:
                continue
            country = self._country(word.text)
            yield PlaceSpan(word.start, word.end, word.text, "people", country)

    def _country(self, name: str) -> str | None:
        if len(name) <= 3 and name not in _SHORT_FORMS:
            return None
        return self._gazetteer.country(name)

    def _is_people(self, name: str) -> bool:
        """Whether a name is a people's ("Turkish") and not the country's own."""
        code = self._country(name)
        return code is not None and name.endswith(_PEOPLE_ENDINGS) and not self._is_own(name, code)

    def _is_own(self, name: str, code: str) -> bool:
        return name.casefold() in self._gazetteer.country_name(code).casefold()

    def _is_town(self, name: str) -> bool:
        return name.lower() not in _AMBIGUOUS and self._gazetteer.resolve(name) is not None


_PEOPLE_ENDINGS = ("an", "ian", "ish", "ese", "i", "ch", "ic", "ek", "ss", "sh", "no", "ni", "ai")


class _Word:
    """A word with its place in the text."""

    def __init__(self, match: re.Match[str]) -> None:
        self.start = match.start()
        self.text = re.sub(r"['’]s?$", "", match.group())
        self.end = self.start + len(self.text)
        self.plain = self.text.casefold()
        self.is_capital = self.text[0].isupper()


def _names(words: Sequence[_Word]) -> Iterator[tuple[int, int]]:
    """(first word, number of words) of every run that could be a name, the longest first."""
    for length in range(min(_LONGEST_NAME, len(words)), 0, -1):
        for at in range(len(words) - length + 1):
            run = words[at : at + length]
            inner = all(word.is_capital or word.plain in _JOINING for word in run)
            if inner and run[0].is_capital and run[-1].is_capital:
                yield at, length


def _is_subject(words: Sequence[_Word], at: int) -> bool:
    """Whether the sentence says of the name what one says of a country: "Chad has", "Jordan is"."""
    return at + 1 < len(words) and words[at + 1].plain in _TREATED_AS_PLACE


def _bare(name: str) -> str:
    name = re.sub(r"^(?:the|a|an)\s+", "", name.strip(), flags=re.IGNORECASE)
    return re.sub(r"['’]s?$", "", name).strip(' .,;:()[]"“”')


def _without_overlaps(found: Sequence[PlaceSpan]) -> list[PlaceSpan]:
    """The longest of overlapping spans; of equally long ones the first found."""
    kept: list[PlaceSpan] = []
    for span in sorted(found, key=lambda one: one.start - one.end):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept, key=lambda one: one.start)
