"""Cells as texts and numbers; those that are neither are counted and shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, isnan

import pyarrow as pa
import pyarrow.compute as pc

from georay.core.coordinate_text import read_degrees

_ABSENT = ("", "nan", "none", "null", "n/a")
"""Not "na": as a country that is Namibia."""
_LARGEST = {"latitude": 90.0, "longitude": 360.0}


@dataclass(frozen=True)
class Numbers:
    """One number or null per row. bad: (row from 1, cell) of those that are no such number."""

    values: pa.Array
    bad: tuple[tuple[int, object], ...] = ()


def texts(column: pa.ChunkedArray) -> pa.Array:
    """The column as trimmed texts; blank ones, and words for nothing, are null."""
    trimmed = written(column)
    is_absent = pc.is_in(pc.utf8_lower(trimmed), pa.array(_ABSENT))
    return pc.if_else(is_absent, pa.scalar(None, pa.string()), trimmed)


def written(column: pa.ChunkedArray) -> pa.Array:
    """The column as trimmed texts, whatever they say; blank ones are null. Whole numbers are
    written as such: an id that passed through a table with gaps may have become 7.0.

    Raises ValueError for what is no text and no number, such as lists.
    """
    whole = _one(column)
    if pa.types.is_floating(whole.type):
        whole = pa.array([_as_text(value) for value in whole.to_pylist()], pa.string())
    try:
        trimmed = pc.utf8_trim_whitespace(whole.cast(pa.string()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise ValueError(f"it holds {whole.type}, and neither text nor numbers") from None
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def numbers(column: pa.ChunkedArray, meaning: str) -> Numbers:
    """The column as numbers; "48.85° N" is one. NaN is null.

    meaning: of a latitude or a longitude those off the globe are bad.
    """
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        cells: Sequence[object] = texts(column).to_pylist()
    else:
        cells = _one(column).cast(pa.float64()).to_pylist()
    largest = _LARGEST.get(meaning, float("inf"))
    values = [_number(cell, largest) for cell in cells]
    bad = tuple(
        (row, cell)
        for row, (cell, value) in enumerate(zip(cells, values, strict=True), 1)
        if value is None and cell is not None and cell == cell
    )
    return Numbers(pa.array(values, pa.float64()), bad)


def _number(cell: object, largest: float) -> float | None:
    value = cell
    if isinstance(cell, str):
        try:
            value = float(cell)
        except ValueError:
            return read_degrees(cell, largest) if isfinite(largest) else _percent(cell)
    if not isinstance(value, float) or not isfinite(value) or abs(value) > largest:
        return None
    return value


def _percent(cell: str) -> float | None:
    """0.85 for "85 %"; None for any other text."""
    share, sign, rest = cell.partition("%")
    try:
        return float(share) / 100 if sign and not rest.strip() else None
    except ValueError:
        return None


def _as_text(value: float | None) -> str | None:
    if value is None or isnan(value):
        return None
    return str(int(value)) if value.is_integer() else str(value)


def _one(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)
