"""Other programs' candidate countries: a list of names, best first, or of names with shares."""

import json
from collections.abc import Mapping, Sequence

import pyarrow as pa

from georay.core.gazetteer import Gazetteer
from georay.core.tables import JUDGED

_NAME = ("country", "country_code", "country_name", "name")
_SHARE = ("probability", "prob", "confidence", "conf", "score")

Candidate = dict[str, object]


def read_candidates(column: pa.ChunkedArray) -> tuple[pa.Array, int]:
    """Candidates as our predictions have them, null where a cell holds none; and how many cells
    hold something else.

    Cells are lists, or JSON of lists: ["Chile", "PE"] or [{"country": "Chile", "prob": 0.6}, …].
    """
    rows: list[list[Candidate] | None] = []
    num_bad = 0
    for cell in column.to_pylist():
        found = _candidates(cell)
        num_bad += found is None and cell is not None
        rows.append(found)
    return pa.array(rows, JUDGED.field("candidates").type), num_bad


def _candidates(cell: object) -> list[Candidate] | None:
    if isinstance(cell, str):
        try:
            cell = json.loads(cell)
        except json.JSONDecodeError:
            return None
    if not isinstance(cell, Sequence) or isinstance(cell, str):
        return None
    found = [_candidate(one) for one in cell]
    return [one for one in found if one is not None] if all(found) else None


def _candidate(given: object) -> Candidate | None:
    """A name that is no country's stays one of the candidates: it was a guess, and a wrong one."""
    share = None
    if isinstance(given, Mapping):
        share = next((given[key] for key in _SHARE if given.get(key) is not None), None)
        given = next((given[key] for key in _NAME if given.get(key)), None)
    if not isinstance(given, str):
        return None
    code = Gazetteer.load().country(given)
    return {
        "country": code or given,
        "country_name": given,
        "probability": float(share) if isinstance(share, int | float) else None,
        "towns": [],
    }
