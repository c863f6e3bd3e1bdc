"""Recognises columns by the names that people give them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_IMAGE = (
    "image_id", "image", "image_name", "img", "img_id", "img_name", "image_file", "image_path",
    "img_path", "file", "file_name", "filename", "file_path", "path", "photo", "photo_id",
    "picture", "picture_id", "uri", "url", "id", "key", "pano_id", "question_id", "uuid",
)  # fmt: skip
_FILE = (
    "file", "file_name", "filename", "file_path", "path", "image_path", "img_path", "image_file",
    "uri",
)  # fmt: skip
_RAW = (
    "raw", "model_response", "response", "raw_answer", "raw_response", "answer", "output",
    "model_output", "prediction", "completion", "generated_text", "text",
)  # fmt: skip
PLACE = {
    "country": ("country", "country_name", "country_code", "country_iso", "iso2", "iso3"),
    "city": ("city", "town", "city_name", "town_name"),
    "latitude": ("latitude", "lat", "gps_latitude", "gps_lat"),
    "longitude": ("longitude", "lon", "lng", "long", "gps_longitude", "gps_lon", "gps_lng"),
}
"""The fields of a place, each with its plain names, the likeliest first."""
_BESIDE_ANSWERS = {
    "confidence": ("confidence", "conf", "probability", "prob", "certainty", "score"),
    "reasons": ("reasons", "reason", "reasoning", "explanation", "rationale"),
    "candidates": ("candidates", "top_k", "alternatives"),
}
_BESIDE_TRUTH = {
    "kind": ("kind", "scene", "scene_kind", "scene_type"),
    "locatability": ("locatability",),
    "clues": ("clues", "visible_clues", "clue_texts"),
}
_CONVENTION = ("text", "texts", "convention", "conventions", "thing", "clue", "clues")
_ANSWERED = (
    "pred", "predicted", "prediction", "guess", "guessed", "answer", "answered", "model",
    "estimated", "est", "output",
)  # fmt: skip
_TRUE = (
    "true", "label", "gt", "truth", "ground_truth", "target", "actual", "real", "correct",
    "reference", "ref",
)  # fmt: skip


@dataclass(frozen=True)
class FieldColumns:
    """The column of each field that a table has, and the columns that say nothing of them."""

    columns: Mapping[str, str]
    unused: tuple[str, ...]


def answers_and_truth(names: Sequence[str], raw_column: str | None) -> FieldColumns:
    """Of a table with both: `true_lat` is the truth, and so is `lat` in a table whose answers are
    marked, or are raw texts; `lat` is an answer where only truths are marked.

    raw_column: that of the raw texts, where it is told. Raises ValueError, as the two functions
    below, if two columns are called alike.
    """
    plain = _plain_names(names)
    answers = {field: _first(plain, _with(_ANSWERED, short)) for field, short in PLACE.items()}
    truths = {field: _first(plain, _with(_TRUE, short)) for field, short in PLACE.items()}
    has_answers = any(answers.values()) or (raw_column or _first(plain, _RAW)) is not None
    has_truths = any(truths.values())
    for field, short in PLACE.items():
        if answers[field] is None and (truths[field] or (has_truths and not has_answers)):
            answers[field] = _first(plain, short)
        elif truths[field] is None and (answers[field] or (has_answers and not has_truths)):
            truths[field] = _first(plain, short)
    marked = {f"true_{field}": name for field, name in truths.items()}
    chosen = _known(answers | marked) | _beside_answers(plain) | _beside_truth(plain)
    return _chosen(names, chosen, raw_column)


def answers_only(names: Sequence[str], raw_column: str | None) -> FieldColumns:
    """Of a table whose truth is elsewhere: plain `lat` is an answer unless `pred_lat` is one.

    Beside a `raw_column` only what is marked is an answer: another reading of the raw texts.
    """
    plain = _plain_names(names)
    found = {
        field: _first(plain, [*_with(_ANSWERED, short), *(() if raw_column else short)])
        for field, short in PLACE.items()
    }
    return _chosen(names, _known(found) | _beside_answers(plain), raw_column)


def conventions_of(names: Sequence[str]) -> FieldColumns:
    """Of a table of conventions: the columns `country` and `text`."""
    plain = _plain_names(names)
    found = {"country": _first(plain, PLACE["country"]), "text": _first(plain, _CONVENTION)}
    return _chosen(names, _known(found))


def truth_only(names: Sequence[str]) -> FieldColumns:
    """Of a table of truths: plain `lat` is true unless `true_lat` is there. `file`: what names the
    pictures' files beside their ids.
    """
    plain = _plain_names(names)
    found = {
        f"true_{field}": _first(plain, [*_with(_TRUE, short), *short])
        for field, short in PLACE.items()
    }
    image, file = _first(plain, _IMAGE), _first(plain, _FILE)
    ids = {"image_id": image, "file": file if file != image else None}
    return _chosen(names, _known(found | ids) | _beside_truth(plain))


def _beside_answers(plain: Mapping[str, str]) -> dict[str, str]:
    found = {
        field: _first(plain, [*_with(_ANSWERED, short), *short])
        for field, short in _BESIDE_ANSWERS.items()
    }
    return _known(found | {"image_id": _first(plain, _IMAGE), "raw": _first(plain, _RAW)})


def _beside_truth(plain: Mapping[str, str]) -> dict[str, str]:
    return _known(
        {
            field: _first(plain, [*_with(_TRUE, short), *short])
            for field, short in _BESIDE_TRUTH.items()
        }
    )


def _chosen(
    names: Sequence[str], columns: dict[str, str], raw_column: str | None = None
) -> FieldColumns:
    if raw_column is not None:
        columns["raw"] = raw_column
    used = set(columns.values())
    return FieldColumns(columns, tuple(name for name in names if name not in used and name))


def _plain_names(names: Sequence[str]) -> dict[str, str]:
    """Names by their letters and digits: `Pred_Lat`, `predLat` and `pred lat` are one."""
    plain: dict[str, str] = {}
    for name in names:
        key = _plain(name)
        if key and key in plain:
            raise ValueError(f"two columns are called {name!r}; rename or remove one")
        plain[key] = name
    return plain


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _with(prefixes: Iterable[str], short: Iterable[str]) -> list[str]:
    return [word for s in short for p in prefixes for word in (f"{p}_{s}", f"{s}_{p}")]


def _first(plain: Mapping[str, str], wanted: Iterable[str]) -> str | None:
    return next((plain[key] for name in wanted if (key := _plain(name)) in plain), None)


def _known(found: Mapping[str, str | None]) -> dict[str, str]:
    return {field: name for field, name in found.items() if name is not None}
