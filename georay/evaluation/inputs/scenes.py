"""Drawn scenes as truth: what pictures show, and by which things their countries are known."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from georay.core.images import content_id
from georay.core.paths import AnyPath
from georay.core.picture_files import file_id
from georay.core.tables import JUDGED
from georay.evaluation.inputs.conventions import Conventions
from georay.evaluation.inputs.files import read_columns
from georay.streetworld.atlas.atlas import Atlas
from georay.streetworld.words.descriptions import all_things, things_of

_LABELS = "labels.csv"


@dataclass(frozen=True)
class Scenes:
    """What drawn scenes show, in words, by the id of their picture's bytes and by their names."""

    shown: Mapping[str, frozenset[str]]

    @cached_property
    def conventions(self) -> Conventions:
        """All that the streets of each country may show and that tells where they are."""
        codes = Atlas.load().by_code
        return {code: frozenset(text for _, text in things_of(code)) for code in codes}

    def tell_of(self, image_id: str, country: str) -> bool:
        """Whether a picture is one of these scenes and shows what its country is known by."""
        usual = self.conventions.get(country, frozenset())
        return not usual.isdisjoint(self._of(image_id) or ())

    def told_to(self, table: pa.Table) -> pa.Table:
        """A table of schema JUDGED with the clues of the pictures that are scenes of these."""
        known = table.column("clues").to_pylist()
        ids = table.column("image_id").to_pylist()
        clues = [
            self._of(image_id) if there is None else there
            for image_id, there in zip(ids, known, strict=True)
        ]
        column = table.column_names.index("clues")
        return table.set_column(column, JUDGED.field("clues"), pa.array(clues, _TEXTS))

    def _of(self, image_id: str) -> list[str] | None:
        shown = self.shown.get(image_id, self.shown.get(file_id(image_id)))
        return None if shown is None else sorted(shown)


_TEXTS = JUDGED.field("clues").type


def read_scenes(path: AnyPath) -> Scenes:
    """What `georay streetworld` wrote, as Parquet or as files with labels.csv.

    Raises ValueError if it is neither.
    """
    try:
        if (path / _LABELS).exists():
            table = read_columns(path / _LABELS).select(["file", "clues"])
            return Scenes(_of_files(path, table))
        table = read_columns(path).select(["image_id", "image", "clues"])
        return Scenes(_of_rows(table))
    except (OSError, KeyError, pa.ArrowException) as problem:
        raise ValueError(
            f"{path} holds no scenes of georay streetworld with their clues: {problem}"
        ) from problem


def _of_rows(table: pa.Table) -> dict[str, frozenset[str]]:
    shown: dict[str, frozenset[str]] = {}
    for row in table.to_pylist():
        texts = _texts(json.loads(row["clues"]))
        shown[row["image_id"]] = shown[content_id(row["image"])] = texts
    return shown


def _of_files(folder: AnyPath, table: pa.Table) -> dict[str, frozenset[str]]:
    shown: dict[str, frozenset[str]] = {}
    for row in table.to_pylist():
        picture = folder / row["file"]
        texts = _texts(json.loads(row["clues"]))
        shown[picture.stem] = shown[content_id(picture.read_bytes())] = texts
    return shown


def _texts(clues: Sequence[Mapping[str, str]]) -> frozenset[str]:
    """What the clues say. A foreign sign may be named with the language that it is in, too."""
    texts = {clue["text"] for clue in clues}
    words = {_words(clue["text"]) for clue in clues if clue["kind"] == "script"}
    signs = {thing for kind, thing in all_things() if kind == "script" and _words(thing) in words}
    return frozenset(texts | signs)


def _words(sign: str) -> str:
    """What a sign says, of a text that also has the language."""
    return sign.rpartition(" (")[0]
