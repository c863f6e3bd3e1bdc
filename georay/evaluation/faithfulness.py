"""Checks reasons: do they name what the picture shows, and what the country is known by?

Only drawn scenes can be asked, because all that they show is on record. Sentences are searched for
the words by which StreetWorld describes things; other words are neither true nor invented.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from georay.core.images import content_id
from georay.core.picture_files import file_id
from georay.evaluation.inputs.files import read_columns
from georay.evaluation.intervals import Figure, share
from georay.evaluation.outcomes import Outcomes
from georay.streetworld.words.descriptions import all_things, things_of

_TOKEN = re.compile(r"\w+|[^\w\s]")

Tokens = tuple[str, ...]


@dataclass(frozen=True)
class Scenes:
    """What drawn scenes show, in words, by the id of their picture's bytes and by their names."""

    shown: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Faithfulness:
    """Reasons of the answers about drawn scenes.

    num_naming: of `num_reasons`, those that name a thing at all, `num_named` things in all.
    visible, conventional: shares of these things that the picture shows, and that are conventions
    of the answered country. grounded: of the reasons that name a thing, those with a visible one.
    invented: things that the picture does not show, each with how often it was named.
    """

    num_reasons: int
    num_naming: int
    num_named: int
    visible: Figure
    conventional: Figure
    both: Figure
    grounded: Figure
    invented: tuple[tuple[str, int], ...]


def read_scenes(path: Path) -> Scenes:
    """What `georay streetworld` wrote, as Parquet or as files with clues.parquet.

    Raises ValueError if it is neither. Of files, what misleads is not on record.
    """
    clues = path / "clues.parquet"
    if clues.exists():
        return Scenes(_of_files(path / "images", clues))
    try:
        table = read_columns(path)
        return Scenes(_of_rows(table.select(["image_id", "image", "clues"])))
    except (OSError, KeyError, pa.ArrowException) as problem:
        raise ValueError(f"{path} holds no scenes of georay streetworld: {problem}") from problem


def _of_rows(table: pa.Table) -> dict[str, frozenset[str]]:
    shown: dict[str, frozenset[str]] = {}
    for row in table.to_pylist():
        texts = frozenset(clue["text"] for clue in json.loads(row["clues"]))
        shown[row["image_id"]] = shown[content_id(row["image"])] = texts
    return shown


def _of_files(images: Path, clues: Path) -> dict[str, frozenset[str]]:
    sentences: dict[str, list[str]] = {}
    for row in read_columns(clues).select(["image_id", "text"]).to_pylist():
        sentences.setdefault(row["image_id"], []).append(row["text"])
    shown: dict[str, frozenset[str]] = {}
    for picture in sorted(images.glob("*.jpg")):
        told = sentences.get(picture.stem, [])
        texts = frozenset(thing for one in told for thing in named_things(one))
        shown[picture.stem] = shown[content_id(picture.read_bytes())] = texts
    return shown


def faithfulness_of(rows: pa.Table, found: Outcomes, scenes: Scenes) -> Faithfulness | None:
    """Of a table of schema JUDGED; None if no answer with reasons is about one of the scenes."""
    num_reasons, num_named, num_visible, num_conventional, num_both = 0, 0, 0, 0, 0
    naming: list[bool] = []
    invented: Counter[str] = Counter()
    for image_id, reasons, country in zip(
        found.image_ids, rows.column("reasons").to_pylist(), found.country.answer, strict=True
    ):
        shown = scenes.shown.get(image_id, scenes.shown.get(file_id(image_id)))
        if shown is None or not reasons:
            continue
        num_reasons += 1
        named = set(named_things(reasons))
        usual = named & _texts_of(country)
        num_named += len(named)
        num_visible += len(named & shown)
        num_conventional += len(usual)
        num_both += len(usual & shown)
        invented.update(named - shown)
        if named:
            naming.append(bool(named & shown))
    if not num_reasons:
        return None
    return Faithfulness(
        num_reasons=num_reasons,
        num_naming=len(naming),
        num_named=num_named,
        visible=share(num_visible, num_named),
        conventional=share(num_conventional, num_named),
        both=share(num_both, num_named),
        grounded=share(int(np.sum(naming)), len(naming)),
        invented=tuple(invented.most_common()),
    )


@cache
def _texts_of(country: str | None) -> frozenset[str]:
    return frozenset(text for _, text in things_of(country or ""))


def named_things(text: str) -> Sequence[str]:
    """The things of StreetWorld that a text names, in its order, the longest at each place."""
    tokens, known = _tokens(text), _known_things()
    named, at = [], 0
    while at < len(tokens):
        longest = next(
            (
                thing
                for words, thing in known.get(tokens[at], ())
                if tokens[at : at + len(words)] == words
            ),
            None,
        )
        if longest is None:
            at += 1
            continue
        named.append(longest)
        at += len(_tokens(longest))
    return named


@cache
def _known_things() -> Mapping[str, Sequence[tuple[Tokens, str]]]:
    """All things by their first word, the longest first."""
    by_word: dict[str, list[tuple[Tokens, str]]] = {}
    for thing in _longest_first({text for _, text in all_things()}):
        words = _tokens(thing)
        by_word.setdefault(words[0], []).append((words, thing))
    return by_word


def _longest_first(things: Iterable[str]) -> list[str]:
    return sorted(things, key=lambda thing: (-len(_tokens(thing)), thing))


def _tokens(text: str) -> Tokens:
    """Words and signs without case; "an" is "a", since sentences repair their articles."""
    return tuple("a" if word == "an" else word for word in _TOKEN.findall(text.casefold()))
