"""Examines a sentence: its language, its country, its places, and whether it is kept.

A plain class; Ray never appears here.
"""

from collections.abc import Sequence
from pathlib import PurePosixPath

import pyarrow as pa

from georay.clues.language import UNKNOWN, language_of
from georay.clues.places import RULES, PlaceFinder, PlaceSpan
from georay.clues.sources import Sentence
from georay.clues.whereabouts import About, Whereabouts
from georay.config.clues import CluesRecipe
from georay.core.entities import Entity, PlaceTagger
from georay.core.gazetteer import Gazetteer
from georay.core.manifest import digest
from georay.core.tables import CLUES

SOURCE = "source"
Row = dict[str, object]
EXAMINED = pa.schema(
    [
        *(field.with_nullable(True) for field in CLUES),
        pa.field("order", pa.int64()),
        pa.field("kind", pa.string()),
        pa.field("reason", pa.string()),
    ]
)
"""CLUES with the sentence's number in the run, and why it is dropped, where it is."""
_PICTURE_ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}


class Examine:
    """Turns sentences into rows of EXAMINED, `order` and duplicates aside."""

    def __init__(self, recipe: CluesRecipe, tagger: PlaceTagger, gazetteer: Gazetteer) -> None:
        self._recipe = recipe
        self._tagger = tagger
        self._gazetteer = gazetteer
        self._finder = PlaceFinder(gazetteer)
        self._whereabouts = Whereabouts(gazetteer)

    def __call__(self, sentences: Sequence[Sentence]) -> list[Row]:
        """One row for each sentence, in their order."""
        languages = [language_of(one.text) if one.text else UNKNOWN for one in sentences]
        entities = self._entities([one.text for one in sentences], languages)
        return [self._row(*each) for each in zip(sentences, languages, entities, strict=True)]

    def _entities(self, texts: Sequence[str], languages: Sequence[str]) -> list[list[Entity]]:
        """The tagger is asked about sentences in its languages, and about short ones."""
        known = self._tagger.languages
        asked = [
            at
            for at, language in enumerate(languages)
            if texts[at] and (known is None or language in known or language == UNKNOWN)
        ]
        answers = self._tagger.tag([texts[at] for at in asked]) if asked else []
        found: list[list[Entity]] = [[] for _ in texts]
        for at, answer in zip(asked, answers, strict=True):
            found[at] = answer
        return found

    def _row(self, sentence: Sentence, language: str, entities: Sequence[Entity]) -> Row:
        about = self._whereabouts.of(sentence)
        spans = self._finder.find(sentence.text, entities, about.country, language)
        country, country_from = _country(about, spans)
        row: Row = {
            "clue_id": digest(
                "clue", sentence.source, sentence.text, about.country, sentence.image
            ),
            "text": sentence.text,
            "country": country,
            "country_from": country_from,
            "unknown_country": about.unknown,
            "city": about.city,
            "latitude": sentence.latitude,
            "longitude": sentence.longitude,
            "image_id": _picture_name(sentence.image),
            "pairing": SOURCE if sentence.image else None,
            "source": sentence.source,
            "licence": sentence.licence,
            "row": sentence.row,
            "language": language,
            "rule": _rule(about, spans),
            "spans": [_span(one) for one in spans],
            "places": self._places(about, spans),
        }
        kind, reason = self._verdict(sentence, row)
        return row | {"kind": kind, "reason": reason}

    def _places(self, about: About, spans: Sequence[PlaceSpan]) -> list[str]:
        """What the sentence names, or else what its source does."""
        if spans:
            return list(dict.fromkeys(one.name for one in spans))
        country = self._gazetteer.country_name(about.country) if about.country else None
        return [name for name in (about.city, country) if name]

    def _verdict(self, sentence: Sentence, row: Row) -> tuple[str | None, str | None]:
        """Why the sentence becomes no clue: a slug and a sentence; (None, None) if it does."""
        languages = self._recipe.languages
        if sentence.problem:
            return "unreadable row", sentence.problem
        if not sentence.text:
            return "no text", "the row says nothing"
        if languages and row["language"] not in (*languages, UNKNOWN):
            return "other language", f"its language is {row['language']}"
        if row["rule"] is None:
            return "no place", "neither the sentence nor its source names a place"
        if row["rule"] == SOURCE and self._recipe.require == "text":
            return "no place", "the sentence names no place, only its source does"
        return None, None


def _country(about: About, spans: Sequence[PlaceSpan]) -> tuple[str | None, str | None]:
    """The source's country, else the only one that the sentence names."""
    if about.country:
        return about.country, about.country_from
    named = {one.country for one in spans if one.country}
    return (next(iter(named)), "text") if len(named) == 1 else (None, None)


def _rule(about: About, spans: Sequence[PlaceSpan]) -> str | None:
    """What proves that a place is named, the strongest proof first."""
    proofs = {one.rule for one in spans}
    for rule in RULES:
        if rule in proofs:
            return rule
    return SOURCE if about.country or about.city else None


def _span(one: PlaceSpan) -> Row:
    return {name: getattr(one, name) for name in ("start", "end", "name", "rule", "country")}


def _picture_name(image: str | None) -> str | None:
    """The name by which `georay samples` finds a picture: its id, or its file's without ending."""
    if image is None:
        return None
    path = PurePosixPath(image.split("?")[0])
    return path.stem if path.suffix.lower() in _PICTURE_ENDINGS else image
