"""Checks reasons: do they name what the picture shows, and what the country is known by?

What a picture shows is a list of texts, its clues; what a country is known by is another, its
conventions. Reasons are searched for all these texts, word by word and the longest first. Words
that are none of them are neither true nor invented: such a sentence names nothing.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import pyarrow as pa

from georay.evaluation.inputs.conventions import Conventions
from georay.evaluation.intervals import UNDEFINED, Figure, share
from georay.evaluation.outcomes import Outcomes

_TOKEN = re.compile(r"\w+|[^\w\s]")
_ENDS = re.compile(r"[.!?…。](?=[\s\"'”’)]|$)")

Thing = tuple[str, ...]
"""A text by its words and signs without case; "an" is "a", since sentences repair articles."""

Level = Literal["answers", "sentences", "things"]


@dataclass(frozen=True)
class Shares:
    """Of `number` answers with reasons, of their sentences, or of the different things they name.

    num_naming: those that name a thing at all. visible: they name things, all of which the picture
    shows. conventional: they name things, by all of which the answered country is known; undefined
    where no conventions are given. both: visible and conventional. invented: they name a thing that
    the picture does not show.
    """

    level: Level
    number: int
    num_naming: int
    visible: Figure
    conventional: Figure
    both: Figure
    invented: Figure


@dataclass(frozen=True)
class Faithfulness:
    """Reasons of the answers about pictures whose clues are known.

    levels: of answers, sentences and things. invented: things that the picture does not show, each
    with how often it was named.
    """

    levels: tuple[Shares, ...]
    invented: tuple[tuple[str, int], ...]

    def at(self, level: Level) -> Shares:
        """The shares of one level."""
        return next(one for one in self.levels if one.level == level)


@dataclass(frozen=True)
class _Named:
    """The things that something names, and which of them are there and usual."""

    things: frozenset[Thing]
    visible: frozenset[Thing]
    conventional: frozenset[Thing]


def faithfulness_of(
    rows: pa.Table, found: Outcomes, conventions: Conventions | None
) -> Faithfulness | None:
    """Of a table of schema JUDGED; None if no answer with reasons is about a picture with clues.

    conventions: by which things countries are known, if anybody says it.
    """
    known = rows.column("clues").to_pylist()
    usual = {code: _things(texts) for code, texts in (conventions or {}).items()}
    of_countries = chain.from_iterable((conventions or {}).values())
    vocabulary = Vocabulary(chain(of_countries, *(clues or () for clues in known)))
    answers: list[_Named] = []
    sentences: list[_Named] = []
    for reasons, clues, country in zip(
        rows.column("reasons").to_pylist(), known, found.country.answer, strict=True
    ):
        if clues is None or not reasons:
            continue
        shown, of_country = _things(clues), usual.get(country, frozenset())
        told = [frozenset(one) for one in vocabulary.sentences(reasons)]
        answers.append(_held(frozenset().union(*told), shown, of_country))
        sentences += [_held(one, shown, of_country) for one in told]
    if not answers:
        return None
    things = [
        _held(frozenset({thing}), one.visible, one.conventional)
        for one in answers
        for thing in one.things
    ]
    invented = Counter(thing for one in answers for thing in one.things - one.visible)
    has_conventions = conventions is not None
    return Faithfulness(
        levels=(
            _shares("answers", answers, has_conventions),
            _shares("sentences", sentences, has_conventions),
            _shares("things", things, has_conventions),
        ),
        invented=tuple((vocabulary.text_of(one), count) for one, count in invented.most_common()),
    )


def _held(things: frozenset[Thing], shown: frozenset[Thing], usual: frozenset[Thing]) -> _Named:
    return _Named(things, things & shown, things & usual)


def _shares(level: Level, told: Sequence[_Named], has_conventions: bool) -> Shares:
    naming = [one for one in told if one.things]
    visible = [one for one in naming if one.visible == one.things]

    def of_all(number: int) -> Figure:
        return share(number, len(told))

    def usual(of: Sequence[_Named]) -> Figure:
        number = sum(one.conventional == one.things for one in of)
        return of_all(number) if has_conventions else UNDEFINED

    return Shares(
        level=level,
        number=len(told),
        num_naming=len(naming),
        visible=of_all(len(visible)),
        conventional=usual(naming),
        both=usual(visible),
        invented=of_all(len(naming) - len(visible)),
    )


class Vocabulary:
    """Texts that are looked for in others, word by word."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._text_of: dict[Thing, str] = {}
        for text in sorted(set(texts)):
            if thing := _thing(text):
                self._text_of.setdefault(thing, text)
        self._by_first: dict[str, list[Thing]] = {}
        for thing in sorted(self._text_of, key=lambda thing: (-len(thing), thing)):
            self._by_first.setdefault(thing[0], []).append(thing)

    def text_of(self, thing: Thing) -> str:
        """How a thing is written."""
        return self._text_of[thing]

    def sentences(self, text: str) -> list[list[Thing]]:
        """The things that each sentence names, in its order, the longest at each place.

        A full stop within a thing ends no sentence.
        """
        tokens = list(_TOKEN.finditer(text))
        words = tuple(map(_plain, tokens))
        told: list[list[Thing]] = []
        is_over, at = True, 0
        while at < len(words):
            longest = self._longest_at(words, at)
            if longest is None and not words[at].isalnum():
                is_over = is_over or _ENDS.match(text, tokens[at].start()) is not None
            else:
                told += [[]] if is_over else []
                told[-1] += [] if longest is None else [longest]
                is_over = False
            at += len(longest or words[at : at + 1])
        return told

    def _longest_at(self, words: Thing, at: int) -> Thing | None:
        there = self._by_first.get(words[at], ())
        return next((one for one in there if words[at : at + len(one)] == one), None)


def _things(texts: Iterable[str]) -> frozenset[Thing]:
    return frozenset(map(_thing, texts)) - {()}


def _thing(text: str) -> Thing:
    return tuple(map(_plain, _TOKEN.finditer(text)))


def _plain(token: re.Match[str]) -> str:
    word = token.group().casefold()
    return "a" if word == "an" else word
