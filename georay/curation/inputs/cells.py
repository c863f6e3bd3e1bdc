"""Cells of a list as text and numbers; a cell that is neither is named by its row."""

from dataclasses import dataclass
from math import isfinite

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_ABSENT = frozenset({"", "nan", "na", "n/a", "none", "null", "-"})
_LARGEST = {"latitude": 90.0, "longitude": 360.0, "heading": 360.0}


@dataclass(frozen=True)
class Numbers:
    """One number or null per row, and what is wrong with the rows that have a bad one."""

    values: pa.Array
    faults: dict[int, str]


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds text (or nothing at all)."""
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return pa.types.is_null(kind) or any(test(plain) for test in tests)


def is_number(kind: pa.DataType) -> bool:
    """Whether a column of this type holds numbers, perhaps written as text."""
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return is_text(kind) or any(test(kind) for test in tests)


def texts(column: pa.ChunkedArray) -> pa.Array:
    """The column without blanks around its texts; empty ones are null."""
    trimmed = pc.utf8_trim_whitespace(_one(column.cast(pa.string())))
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def numbers(column: pa.ChunkedArray, name: str) -> Numbers:
    """The column as numbers. NaN is no number but an absent one.

    Faulty are texts that are no number, infinite ones, and those beyond what `name` can be.
    """
    if is_text(column.type):
        return _of_texts(texts(column), name)
    given = _one(column.cast(pa.float64()))
    values = pc.if_else(pc.is_nan(given), pa.scalar(None, pa.float64()), given)
    beyond = pc.greater(pc.abs(values), _LARGEST[name])
    rows = np.flatnonzero(np.asarray(pc.fill_null(beyond, False)))
    return _without(values, {int(row): _fault(name, given[row].as_py()) for row in rows})


def _of_texts(given: pa.Array, name: str) -> Numbers:
    values: list[float | None] = []
    faults = {}
    for row, text in enumerate(given.to_pylist()):
        value = _parsed(text)
        if isinstance(value, str) or (value is not None and abs(value) > _LARGEST[name]):
            faults[row] = _fault(name, text if isinstance(value, str) else value)
        values.append(value if isinstance(value, float) else None)
    return _without(pa.array(values, pa.float64()), faults)


def _parsed(text: str | None) -> float | str | None:
    """The number, None where there is none, or the text if it is no number."""
    if text is None or text.casefold() in _ABSENT:
        return None
    try:
        value = float(text)
    except ValueError:
        return text
    return value if isfinite(value) else text


def _fault(name: str, value: object) -> str:
    if isinstance(value, float):
        return f"{name} {value:g} is not within ±{_LARGEST[name]:g} degrees"
    return f"{name} {value!r} is not a number"


def _without(values: pa.Array, faults: dict[int, str]) -> Numbers:
    if not faults:
        return Numbers(values, faults)
    bad = np.zeros(len(values), dtype=bool)
    bad[list(faults)] = True
    kept = pc.if_else(pa.array(bad), pa.scalar(None, pa.float64()), values)
    return Numbers(kept, faults)


def _one(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)
