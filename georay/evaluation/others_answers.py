"""Answers that other programs wrote down, read as predictions by the names of their columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from georay.core.answers import parse_answer
from georay.core.paths import AnyPath
from georay.core.tables import JUDGED
from georay.evaluation.inputs.fields import Fields
from georay.evaluation.inputs.files import read_columns
from georay.evaluation.inputs.names import PLACE, FieldColumns, answers_and_truth, answers_only

_OURS = ({"image_id", "model", "status"}, {"image_id", "model", "adapter"})
_READ = ("status", "country", "city", "reasons", "latitude", "longitude")


@dataclass(frozen=True)
class OthersAnswers:
    """A table of schema JUDGED, and what to know of it.

    unused: columns of the file that say nothing of it. notes: sentences on what was done with
    cells that do not say plainly what is meant. beside: another program's reading of the same raw
    texts, of the columns country, city, latitude and longitude, where the file holds one.
    """

    table: pa.Table
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    beside: pa.Table | None = None


def read_answers(path: AnyPath, raw_column: str | None = None) -> OthersAnswers:
    """The answers in a CSV, JSON or Parquet file beside what is true.

    Columns are known by the names that people give them: `pred_lat` or `predicted_country` is an
    answer, `true_lat`, `label_city` or, beside an answer, plain `lat` is the truth. Without any
    answer column, a model's raw texts are read (`model_response`, `raw` …). A table of our own
    predictions stays as it is. raw_column: read this column's texts, whatever others there are.
    Raises ValueError if the file cannot be read, or names no image or no answer.
    """
    return _answers(path, raw_column, apart=answers_and_truth)


def read_answers_alone(path: AnyPath, raw_column: str | None = None) -> OthersAnswers:
    """The answers of a file whose truth is elsewhere: plain `lat` is an answer too.

    Raises ValueError as `read_answers` does.
    """
    return _answers(path, raw_column, apart=answers_only)


def _answers(
    path: AnyPath,
    raw_column: str | None,
    apart: Callable[[Sequence[str], str | None], FieldColumns],
) -> OthersAnswers:
    try:
        table = read_columns(path)
    except (OSError, ValueError, pa.ArrowException) as problem:
        raise ValueError(f"cannot read predictions from {path}: {problem}") from problem
    names = table.column_names
    if raw_column is not None and raw_column not in names:
        raise ValueError(f"{path}: no column is called {raw_column!r} (found: {', '.join(names)})")
    if raw_column is None and any(ours <= set(names) for ours in _OURS):
        unused = tuple(name for name in names if name not in JUDGED.names)
        return OthersAnswers(table, unused)
    try:
        chosen = apart(names, raw_column)
        return _read(table, chosen, raw_column, path.stem)
    except ValueError as problem:
        raise ValueError(f"{path}: {problem}") from problem


def _read(
    table: pa.Table, chosen: FieldColumns, raw_column: str | None, model: str
) -> OthersAnswers:
    fields = Fields(table, chosen.columns)
    raw = chosen.columns.get("raw")
    is_read = raw_column is not None or not any(field in chosen.columns for field in PLACE)
    if is_read and raw is None:
        raise ValueError(
            "no column holds an answer; call it pred_country, pred_city, pred_lat, pred_lon or "
            f"model_response (found: {', '.join(table.column_names)})"
        )
    columns = fields.ids() | fields.truth() | fields.beside_answers()
    said, beside = fields.answer(), None
    if raw is not None:
        columns["raw"] = fields.raw(raw)
    if is_read:
        beside = pa.table(said) if said else None
        said = _of_raw(columns["raw"].to_pylist())
    columns |= said
    columns |= fields.places_of_towns(columns) | fields.countries_of_places(columns)
    columns.setdefault("status", _status(columns, table.num_rows))
    columns["model"] = pa.array([model] * table.num_rows, pa.string())
    filled = [columns.get(f.name, pa.nulls(table.num_rows, f.type)) for f in JUDGED]
    return OthersAnswers(
        pa.table(filled, names=JUDGED.names), chosen.unused, tuple(fields.notes), beside
    )


def _of_raw(raw: Sequence[str | None]) -> dict[str, pa.Array]:
    answers = [parse_answer(text or "") for text in raw]
    return {
        field: pa.array([getattr(answer, field) for answer in answers], JUDGED.field(field).type)
        for field in _READ
    }


def _status(columns: dict[str, pa.Array], num_rows: int) -> pa.Array:
    """ "answered" where any answer column says something."""
    said = [columns[field].is_valid().to_pylist() for field in PLACE if field in columns]
    rows = zip(*said, strict=True) if said else [()] * num_rows
    return pa.array(["answered" if any(row) else "unparseable" for row in rows], pa.string())
