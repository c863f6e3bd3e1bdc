"""Other programs' candidate countries: a list of names, best first, or of names with shares."""

from collections.abc import Mapping

import pyarrow as pa

from georay.core.gazetteer import Gazetteer
from georay.evaluation.inputs.lists import list_in, read_lists

_NAME = ("country", "country_code", "country_name", "name")
_SHARE = ("probability", "prob", "confidence", "conf", "score")

Candidate = dict[str, object]


def read_candidates(column: pa.ChunkedArray) -> tuple[pa.Array, int]:
    """Candidates as our predictions have them, null where a cell holds none; and how many cells
    hold something else.

    Cells are lists, or JSON of lists: ["Chile", "PE"] or [{"country": "Chile", "prob": 0.6}, …].
    """
    return read_lists(column, "candidates", _candidates)


def _candidates(cell: object) -> list[Candidate] | None:
    listed = list_in(cell)
    if listed is None:
        return None
    found = [_candidate(one) for one in listed]
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
