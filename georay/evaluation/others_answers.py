"""Answers that other programs wrote down, read as predictions by the names of their columns."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from georay.core.answers import Answer, parse_answer
from georay.core.tables import PREDICTIONS

_OURS = {"model", "status"}
_IMAGE = ("image_id", "image", "image_name", "img", "img_id", "img_name", "file", "file_name",
          "filename", "path", "photo", "uri", "id")  # fmt: skip
_RAW = ("raw", "model_response", "response", "raw_answer", "answer", "output", "prediction")
_SHORT = {
    "country": ("country", "country_name", "country_code"),
    "city": ("city", "town", "city_name"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "lng", "long"),
}
_ANSWERED = ("pred", "predicted", "prediction", "guess", "answer", "model")
_TRUE = ("true", "label", "gt", "truth", "ground_truth", "target", "actual")
_BLOCK_BYTES = 1 << 26


@dataclass(frozen=True)
class OthersAnswers:
    """A table of schema PREDICTIONS, and the columns of the file that say nothing of it."""

    table: pa.Table
    unused: tuple[str, ...] = ()


def read_answers(path: Path) -> OthersAnswers:
    """The answers in a CSV or Parquet file; a table of our own predictions as it is.

    In other tables the columns are known by the names that people give them: `pred_lat` or
    `predicted_country` is an answer, `true_lat`, `label_city` or, beside an answer, plain `lat` is
    the truth. Without any answer column, a model's raw texts are read (`model_response`, `raw` …).
    Raises ValueError if the file cannot be read, or names no image or no answer.
    """
    try:
        table = _read(path)
    except (OSError, pa.ArrowInvalid, pa.ArrowKeyError) as problem:
        raise ValueError(f"cannot read predictions from {path}: {problem}") from problem
    if _OURS & set(table.column_names):
        return OthersAnswers(table)
    return _by_names(table, path)


def _read(path: Path) -> pa.Table:
    if path.suffix.lower() not in {".csv", ".tsv"}:
        return pa.parquet.ParquetFile(path).read()
    parse = pa.csv.ParseOptions(
        delimiter="\t" if path.suffix.lower() == ".tsv" else ",", newlines_in_values=True
    )
    return pa.csv.read_csv(path, pa.csv.ReadOptions(block_size=_BLOCK_BYTES), parse)


def _by_names(table: pa.Table, path: Path) -> OthersAnswers:
    chosen = _choose(table.column_names, path)
    if "image_id" not in chosen:
        raise ValueError(
            f"{path}: no column names the images; call it image_id "
            f"(found: {', '.join(table.column_names)})"
        )
    columns = {
        field: _cast(table.column(name), PREDICTIONS.field(field), path)
        for field, name in chosen.items()
    }
    if not any(field in columns for field in _SHORT):
        if "raw" not in columns:
            raise ValueError(
                f"{path}: no column holds an answer; call it pred_country, pred_city, pred_lat, "
                f"pred_lon or model_response (found: {', '.join(table.column_names)})"
            )
        columns |= _of_raw(columns["raw"].to_pylist())
    columns.setdefault("status", _status(columns, table.num_rows))
    columns["model"] = pa.array([path.stem] * table.num_rows, pa.string())
    unused = tuple(name for name in table.column_names if name not in chosen.values())
    return OthersAnswers(pa.table(columns), unused)


def _choose(names: Sequence[str], path: Path) -> dict[str, str]:
    """The column of each field of PREDICTIONS. Raises ValueError if two are called alike."""
    plain: dict[str, str] = {}
    for name in names:
        key = re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")
        if key in plain:
            raise ValueError(f"{path}: two columns are called {name!r}; rename or remove one")
        plain[key] = name
    chosen: dict[str, str] = {}
    for field, short in _SHORT.items():
        answer = _first(plain, _with(_ANSWERED, short))
        truth = _first(plain, _with(_TRUE, short))
        if answer is None and truth is not None:
            answer = _first(plain, short)
        elif truth is None and answer is not None:
            truth = _first(plain, short)
        chosen |= {f: name for f, name in ((field, answer), (f"true_{field}", truth)) if name}
    others = {"image_id": _first(plain, _IMAGE), "raw": _first(plain, _RAW)}
    return chosen | {field: name for field, name in others.items() if name}


def _with(prefixes: Iterable[str], short: Iterable[str]) -> list[str]:
    return [word for s in short for p in prefixes for word in (f"{p}_{s}", f"{s}_{p}")]


def _first(plain: dict[str, str], wanted: Iterable[str]) -> str | None:
    return next((plain[key] for key in wanted if key in plain), None)


def _cast(column: pa.ChunkedArray, field: pa.Field, path: Path) -> pa.ChunkedArray:
    """The column in the field's type; blank texts and NaN are null."""
    try:
        if pa.types.is_string(field.type):
            text = pc.utf8_trim_whitespace(column.cast(pa.string()))
            return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
        if pa.types.is_string(column.type):
            trimmed = pc.utf8_trim_whitespace(column)
            column = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
        values = column.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as problem:
        raise ValueError(f"{path}: the column for {field.name} cannot be read: {problem}") from None
    return pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)


def _of_raw(texts: Sequence[str | None]) -> dict[str, pa.Array]:
    answers = [parse_answer(text or "") for text in texts]
    fields = ("status", "country", "city", "reasons", "latitude", "longitude")
    return {
        field: pa.array([_said(answer, field) for answer in answers], PREDICTIONS.field(field).type)
        for field in fields
    }


def _said(answer: Answer, field: str) -> object:
    return getattr(answer, field)


def _status(columns: dict[str, pa.ChunkedArray], num_rows: int) -> pa.Array:
    """ "answered" where any answer column says something."""
    said = [columns[field].is_valid().to_pylist() for field in _SHORT if field in columns]
    rows = zip(*said, strict=True) if said else [()] * num_rows
    return pa.array(["answered" if any(row) else "unparseable" for row in rows], pa.string())
