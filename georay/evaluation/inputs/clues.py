"""What pictures show, as others' tables have it: lists of texts, or of records with a text."""

from collections.abc import Mapping

import pyarrow as pa

from georay.evaluation.inputs.lists import list_in, read_lists


def read_clues(column: pa.ChunkedArray) -> tuple[pa.Array, int]:
    """The clues of each picture, null where a cell says nothing; and how many cells hold something
    else than a list.

    Cells are lists, or JSON of lists: ["a kerb", …] or [{"text": "a kerb", "kind": …}, …]. One that
    misleads is one of them: it is there to be seen.
    """
    return read_lists(column, "clues", texts_in)


def texts_in(cell: object) -> list[str] | None:
    """The texts of one cell; None for what is no list of them."""
    listed = list_in(cell)
    if listed is None:
        return None
    found = [one.get("text") if isinstance(one, Mapping) else one for one in listed]
    texts = [one for one in found if isinstance(one, str)]
    return texts if len(texts) == len(found) else None
