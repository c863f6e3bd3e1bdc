"""Lists in cells of others' tables: real ones, or JSON of one."""

import json
from collections.abc import Callable, Sequence
from typing import TypeVar

import pyarrow as pa

from georay.core.tables import JUDGED

Item = TypeVar("Item")


def read_lists(
    column: pa.ChunkedArray, field: str, read: Callable[[object], list[Item] | None]
) -> tuple[pa.Array, int]:
    """The cells as lists of a field of judged rows, null where a cell says nothing; and how many
    cells hold something else.

    read: what a cell holds that says something, None for what is no such list.
    """
    rows: list[list[Item] | None] = []
    num_bad = 0
    for cell in column.to_pylist():
        is_blank = cell is None or (isinstance(cell, str) and not cell.strip())
        found = None if is_blank else read(cell)
        num_bad += found is None and not is_blank
        rows.append(found)
    return pa.array(rows, JUDGED.field(field).type), num_bad


def list_in(cell: object) -> Sequence[object] | None:
    """The list that a cell is or, as JSON, holds; None for anything else."""
    if isinstance(cell, str):
        try:
            cell = json.loads(cell)
        except json.JSONDecodeError:
            return None
    return None if isinstance(cell, str) or not isinstance(cell, Sequence) else cell
