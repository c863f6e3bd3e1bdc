"""What pictures show, as others' tables have it: lists of texts, or of records with a text."""

import json
from collections.abc import Mapping, Sequence

import pyarrow as pa

from georay.core.tables import JUDGED


def read_clues(column: pa.ChunkedArray) -> tuple[pa.Array, int]:
    """The clues of each picture, null where a cell says nothing; and how many cells hold something
    else than a list.

    Cells are lists, or JSON of lists: ["a kerb", …] or [{"text": "a kerb", "kind": …}, …]. One that
    misleads is one of them: it is there to be seen.
    """
    rows: list[list[str] | None] = []
    num_bad = 0
    for cell in column.to_pylist():
        is_blank = cell is None or (isinstance(cell, str) and not cell.strip())
        found = None if is_blank else texts_in(cell)
        num_bad += found is None and not is_blank
        rows.append(found)
    return pa.array(rows, JUDGED.field("clues").type), num_bad


def texts_in(cell: object) -> list[str] | None:
    """The texts of one cell; None for what is no list of them."""
    if isinstance(cell, str):
        try:
            cell = json.loads(cell)
        except json.JSONDecodeError:
            return None
    if not isinstance(cell, Sequence) or isinstance(cell, str):
        return None
    found = [one.get("text") if isinstance(one, Mapping) else one for one in cell]
    texts = [one for one in found if isinstance(one, str)]
    return texts if len(texts) == len(found) else None
