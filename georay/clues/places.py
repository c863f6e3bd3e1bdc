"""Which geographic places a sentence names (paper, section 3.1), by a tagger and the gazetteer.

A name that is also an ordinary word or a person's (Nice, Reading, Jordan) is a place only where
the sentence treats it as one. "Turkish coffee" names no place, "Turkish licence plates" does.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from georay.clues.place_words import (
    AFTER_PLACE,
    ALSO_WORDS,
    BEFORE_PLACE,
    CONTINENTS,
    DIRECTIONS,
    JOINING,
    NO_PLACE_AFTER_PEOPLE,
    NOT_QUALIFIED,
    NOT_TOWNS,
    SHORT_FORMS,
    SPOKEN,
)
from georay.core.entities import Entity
from georay.core.gazetteer import Gazetteer

Rule = Literal["entity", "gazetteer", "wording", "people"]
RULES: tuple[Rule, ...] = ("entity", "gazetteer", "wording", "people")

_WORD = re.compile(r"[^\W\d_]+(?:[.'’-][^\W\d_]+)*", re.UNICODE)
_UNSPACED = re.compile(r"[぀-ヿ㐀-鿿가-힯฀-๿]+")
_POSSESSIVE = re.compile(r"['’]s?$")
_NAME = r"(?P<name>[^\W\d_a-zß-ÿ][\w’'-]+(?: [^\W\d_a-zß-ÿ][\w’'-]+){0,2})"
_WORDINGS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?:town|city|village|island|province|state|district|region|municipality|county|"
        rf"prefecture|peninsula|valley|department) of {_NAME}",
        rf"\b(?:Lake|Mount|Mt\.?|Cape|Isle of) {_NAME}",
        rf"\b{_NAME} (?:Islands?|Lake|River|Mountains|Peninsula|Valley|Province|Desert|Bay)\b",
        rf"(?:^|[.!?] ){_NAME} can (?:\w+ )?be (?:\w+ )?(?:recogni[sz]ed|identified)\b",
    )
)
_PEOPLE_ENDINGS = (
    "an",
    "ish",
    "ese",
    "i",
    "ch",
    "ek",
    "ss",
    "sh",
    "no",
    "ai",
    "ak",
    "ic",
    "kh",
    "ot",
)
_LONGEST_NAME, _LONGEST_UNSPACED = 5, 10
_KNOWN = 100_000
_TOWN, _CITY = 15_000, 100_000  # people
ENGLISH = frozenset({"en", "und"})


@dataclass(frozen=True, slots=True)
class PlaceSpan:
    """A place that a sentence names: characters start to end, and what says it is one.

    country: alpha-2 code, where the name is that of a country, its people, or one of its parts.
    """

    start: int
    end: int
    name: str
    rule: Rule
    country: str | None


class PlaceFinder:
    """Combines a tagger's entities with the gazetteer."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._names = _Names(gazetteer)

    def find(
        self,
        text: str,
        entities: Sequence[Entity],
        country: str | None = None,
        language: str = "en",
    ) -> list[PlaceSpan]:
        """The places that a text names, in the order in which they stand; no two overlap.

        country: alpha-2 code of the country that the source says the sentence is about; towns and
        regions of that country need less proof. language: ISO 639 code, "und" if unknown.
        """
        words = [_Word(match) for match in _WORD.finditer(text)]
        sentence = _Sentence(text, words, entities, country, language in ENGLISH)
        found = [*self._of_entities(sentence), *self._of_countries(sentence)]
        if sentence.is_english:
            found += self._of_towns(sentence)
            found += self._of_wording(text)
            found += self._of_people(sentence)
        found += self._of_unspaced(text)
        return _without_overlaps(found)

    def _of_entities(self, sentence: "_Sentence") -> Iterator[PlaceSpan]:
        for entity in sentence.entities:
            name = _bare(sentence.text[entity.start : entity.end])
            parts = [part.casefold() for part in name.split()]
            if entity.kind != "place" or not parts or name.islower():
                continue
            is_word = len(parts) == 1 and parts[0] in NOT_TOWNS
            if is_word or (
                parts[0] in ALSO_WORDS and not sentence.treats_as_place_at(name, entity)
            ):
                continue
            if _is_too_wide(parts) or any(part in {"google", "street", "view"} for part in parts):
                continue
            start = sentence.text.index(name, entity.start)
            code = self._names.country(name)
            if code is not None or self._names.is_anywhere(name):
                is_place = not self._names.is_people(name)
            else:
                is_place = not self._sounds_spoken(sentence, start, name)
            if is_place:
                yield PlaceSpan(start, start + len(name), name, "entity", code)

    def _sounds_spoken(self, sentence: "_Sentence", start: int, name: str) -> bool:
        """Whether an unknown name is a language's: Tokelauan, "English and Bislama"."""
        if " " in name:
            return False
        before = [word for word in sentence.words if word.end < start][-2:]
        joins = len(before) == 2 and before[1].plain in {"and", "or"}
        return name.endswith(_PEOPLE_ENDINGS) or (joins and self._names.is_people(before[0].text))

    def _of_countries(self, sentence: "_Sentence") -> Iterator[PlaceSpan]:
        """Names of countries and of their large parts."""
        for at, length in _names(sentence.words):
            first, last = sentence.words[at], sentence.words[at + length - 1]
            name = sentence.text[first.start : last.end]
            code = self._names.country(name)
            is_people = sentence.is_english and self._names.is_people(last.text)
            if code is None or is_people or _is_too_wide([first.plain]):
                continue
            is_sure = length > 1 or first.plain not in ALSO_WORDS
            if is_sure or code == sentence.country or sentence.treats_as_place(at, length):
                yield PlaceSpan(first.start, last.end, name, "gazetteer", code)

    def _of_towns(self, sentence: "_Sentence") -> Iterator[PlaceSpan]:
        """Towns and regions that the tagger did not see, where the sentence speaks of a place."""
        for at, length in _names(sentence.words):
            first, last = sentence.words[at], sentence.words[at + length - 1]
            name = sentence.text[first.start : last.end]
            if length == 1 and (first.plain in NOT_TOWNS or len(name) < 4):
                continue
            if _is_too_wide([first.plain]) or self._names.is_people(name):
                continue
            is_led = sentence.treats_as_place(at, length)
            is_clear = length > 1 or first.plain not in ALSO_WORDS
            size = self._names.size_in(name, sentence.country)
            is_own = is_led or (is_clear and (not first.opens or size >= _CITY))
            if size and is_own:
                yield PlaceSpan(first.start, last.end, name, "gazetteer", sentence.country)
            elif is_led and not sentence.is_other(first.start, last.end) and at > 0:
                is_after = sentence.words[at - 1].plain in BEFORE_PLACE
                if is_after and self._names.is_anywhere(name):
                    yield PlaceSpan(first.start, last.end, name, "gazetteer", None)

    def _of_wording(self, text: str) -> Iterator[PlaceSpan]:
        """What the sentence itself calls a place, known or not: the town of Pech Sreada."""
        for pattern in _WORDINGS:
            for match in pattern.finditer(text):
                name = match["name"]
                first = name.split()[0].casefold()
                if first in NOT_TOWNS or first.endswith("s") or _is_too_wide([first]):
                    continue
                yield PlaceSpan(*match.span("name"), name, "wording", self._names.country(name))

    def _of_people(self, sentence: "_Sentence") -> Iterator[PlaceSpan]:
        words, text = sentence.words, sentence.text
        for at, word in enumerate(words):
            if not word.is_capital or not self._names.is_people(word.text):
                continue
            after = words[at + 1] if at + 1 < len(words) else None
            is_spoken = at > 0 and words[at - 1].plain in SPOKEN
            joins = after is not None and text[word.end : after.start].isspace()
            if after is None or not joins or is_spoken or after.plain in NO_PLACE_AFTER_PEOPLE:
                if not word.is_plural:
                    continue
            elif after.plain in NOT_QUALIFIED and not self._qualifies_later(sentence, at):
                continue  # "Spanish is spoken", "Croatian and Italian": languages
            if at > 0 and words[at - 1].plain in DIRECTIONS and word.plain == "american":
                continue
            code = self._names.country(word.text)
            yield PlaceSpan(word.start, word.end, word.text, "people", code)

    def _qualifies_later(self, sentence: "_Sentence", at: int) -> bool:
        """ "Slovenian and Austrian bollards": the noun comes behind the last of joined peoples."""
        words = sentence.words[at + 1 :]
        if not words or words[0].plain not in {"and", "or"}:
            return sentence.words[at].is_plural
        rest = [word for word in words[1:4] if word.plain not in {"some", "the"}]
        if len(rest) < 2 or not self._names.is_people(rest[0].text):
            return False
        gap = sentence.text[rest[0].end : rest[1].start]
        return gap.isspace() and rest[1].plain not in (NO_PLACE_AFTER_PEOPLE | NOT_QUALIFIED)

    def _of_unspaced(self, text: str) -> Iterator[PlaceSpan]:
        """Names of countries in scripts without spaces between words."""
        for match in _UNSPACED.finditer(text):
            run, at = match.group(), 0
            while at < len(run):
                size = self._names.longest_unspaced(run[at : at + _LONGEST_UNSPACED])
                if size:
                    start = match.start() + at
                    name = run[at : at + size]
                    yield PlaceSpan(
                        start, start + size, name, "gazetteer", self._names.country(name)
                    )
                at += size or 1


class _Names:
    """The gazetteer's answers, remembered; sentences speak of the same places again and again."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer
        self.country = lru_cache(_KNOWN)(self._country)
        self.is_people = lru_cache(_KNOWN)(self._is_people)
        self.size_in = lru_cache(_KNOWN)(self._size_in)
        self.is_anywhere = lru_cache(_KNOWN)(self._is_anywhere)

    def _country(self, name: str) -> str | None:
        if len(name) <= 3 and name.isascii() and name not in SHORT_FORMS:
            return None
        named = self._gazetteer.country_named(name)
        return named if named or " " in name else self._gazetteer.country(name)

    def _is_people(self, name: str) -> bool:
        """Whether a name is a people's ("Turkish") and not the country's own."""
        code = self.country(name)
        if code is None or " " in name or not name.lower().endswith(_PEOPLE_ENDINGS):
            return False
        own = self._gazetteer.country_name(code).casefold()
        return name.casefold() not in own.split() and not self._gazetteer.region_countries(name)

    def _size_in(self, name: str, country: str | None) -> int:
        """People in the country's town of that name; a region counts as a city; 0 if neither."""
        if country is None:
            return 0
        if country in self._gazetteer.region_countries(name):
            return _CITY
        town = self._gazetteer.resolve(name, country)
        return 0 if town is None else max(1, town.population)

    def _is_anywhere(self, name: str) -> bool:
        """Whether a region, or a town that most people know, bears the name."""
        if self._gazetteer.region_countries(name):
            return True
        town = self._gazetteer.resolve(name)
        return town is not None and town.population >= _TOWN

    def longest_unspaced(self, text: str) -> int:
        """Length of the longest country's name at the start of a text, 0 if there is none."""
        lengths = range(len(text), 1, -1)
        named = self._gazetteer.country_named
        return next((size for size in lengths if named(text[:size])), 0)


class _Word:
    """A word with its place in the text. opens: first word of a sentence."""

    def __init__(self, match: re.Match[str]) -> None:
        self.start = match.start()
        self.text = _POSSESSIVE.sub("", match.group())
        self.end = self.start + len(self.text)
        self.is_plural = self.text.endswith(("ans", "ians", "is")) and self.text[0].isupper()
        if self.is_plural and not self.text.endswith("is"):
            self.text = self.text[:-1]
        self.plain = self.text.casefold()
        self.is_capital = self.text[0].isupper()
        before = match.string[: self.start].rstrip(' "“‘(')
        self.opens = not before or before[-1] in ".!?:;"


@dataclass(frozen=True)
class _Sentence:
    text: str
    words: Sequence[_Word]
    entities: Sequence[Entity]
    country: str | None
    is_english: bool

    def treats_as_place_at(self, name: str, entity: Entity) -> bool:
        """`treats_as_place` of the words of an entity; True for several, which are no word."""
        inside = [
            at for at, word in enumerate(self.words) if entity.start <= word.start < entity.end
        ]
        capitals = [at for at in inside if self.words[at].is_capital]
        is_single = len(name.split()) == 1 and bool(capitals)
        return not is_single or self.treats_as_place(capitals[0], 1)

    def treats_as_place(self, at: int, length: int) -> bool:
        """Whether words beside the name say what one says of places: "in Nice", "Chad has"."""
        if at > 0 and self.words[at - 1].plain in BEFORE_PLACE:
            return True
        behind = at + length
        return behind < len(self.words) and self.words[behind].plain in AFTER_PLACE

    def is_other(self, start: int, end: int) -> bool:
        """Whether the tagger takes these characters for something else than a place."""
        return any(
            one.kind == "other" and one.start < end and start < one.end for one in self.entities
        )


def _names(words: Sequence[_Word]) -> Iterator[tuple[int, int]]:
    """(first word, number of words) of every run that could be a name, the longest first."""
    for length in range(min(_LONGEST_NAME, len(words)), 0, -1):
        for at in range(len(words) - length + 1):
            run = words[at : at + length]
            if not (run[0].is_capital and run[-1].is_capital):
                continue
            inner = all(word.is_capital or word.plain in JOINING for word in run)
            adjoining = all(b.start - a.end <= 1 for a, b in pairwise(run))
            if inner and adjoining:
                yield at, length


def _is_too_wide(parts: Iterable[str]) -> bool:
    """Whether a name is a continent's, or that of a continent's part."""
    left = [part for part in parts if part not in DIRECTIONS]
    return bool(left) and all(part in CONTINENTS for part in left)


def _bare(name: str) -> str:
    name = re.sub(r"^(?:the|a|an)\s+", "", name.strip(), flags=re.IGNORECASE)
    return _POSSESSIVE.sub("", name).strip(' .,;:()[]"“”‘’')


def _without_overlaps(found: Sequence[PlaceSpan]) -> list[PlaceSpan]:
    """The longest of overlapping spans; of equally long ones the first found."""
    kept: list[PlaceSpan] = []
    for span in sorted(found, key=lambda one: one.start - one.end):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept, key=lambda one: one.start)
