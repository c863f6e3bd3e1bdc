"""By which things each country is known: a table of countries and texts."""

from collections.abc import Mapping

import pyarrow as pa

from georay.core.gazetteer import Gazetteer
from georay.core.paths import AnyPath
from georay.evaluation.inputs.clues import texts_in
from georay.evaluation.inputs.files import read_columns
from georay.evaluation.inputs.names import conventions_of

Conventions = Mapping[str, frozenset[str]]
"""Texts by the alpha-2 code of their country, in the words that clues are written in."""


def read_conventions(path: AnyPath) -> Conventions:
    """The conventions in a CSV, JSON or Parquet file: rows with a `country` and a `text`, or with a
    list of texts.

    Raises ValueError if the file cannot be read, lacks a column, or names no country somewhere.
    """
    try:
        table = read_columns(path)
        columns = conventions_of(table.column_names).columns
    except (OSError, ValueError, pa.ArrowException) as problem:
        raise ValueError(f"cannot read the conventions from {path}: {problem}") from problem
    if absent := [name for name in ("country", "text") if name not in columns]:
        raise ValueError(
            f"{path}: no column is called {absent[0]!r} (found: {', '.join(table.column_names)})"
        )
    found: dict[str, set[str]] = {}
    names, cells = (table.column(columns[name]).to_pylist() for name in ("country", "text"))
    for row, (name, cell) in enumerate(zip(names, cells, strict=True), 1):
        code = Gazetteer.load().country(str(name or ""))
        if code is None:
            raise ValueError(f"{path}, row {row}: {name!r} is no country")
        found.setdefault(code, set()).update(_texts(cell))
    return {code: frozenset(texts) for code, texts in found.items()}


def _texts(cell: object) -> list[str]:
    """Those of a list, or the one that a cell is."""
    listed = texts_in(cell)
    if listed is not None:
        return listed
    return [str(cell)] if cell is not None else []
