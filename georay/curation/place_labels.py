"""Merges what several sources say of one picture into one label; finds contradictions."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import cos, radians

from georay.core.gazetteer import Gazetteer
from georay.core.names import fold
from georay.core.tables import TERMS

LABEL = ("latitude", "longitude", "country", "city", "heading", *TERMS)
_SAME_DEGREES = 1e-3  # about 100 m: coordinates are rounded in many ways

Row = Mapping[str, object]


def first_label(rows: Sequence[Row]) -> dict[str, object]:
    """Each of LABEL from the first row that says it; position and terms are taken as a whole."""
    label: dict[str, object] = {}
    for names in (("latitude", "longitude"), ("country",), ("city",), ("heading",)):
        known = (row for row in rows if all(row[name] is not None for name in names))
        found = next(known, dict.fromkeys(names))
        label |= {name: found[name] for name in names}
    terms = ([row[name] for name in TERMS] for row in rows)
    found_terms = next((one for one in terms if any(one)), [None] * len(TERMS))
    return label | dict(zip(TERMS, found_terms, strict=True))


def contradiction(rows: Sequence[Row]) -> str | None:
    """What the labels of one picture say against each other, if anything: `city Paris and Lyon`."""
    for one, other in combinations(rows, 2):
        for names, agree in _COMPARED.items():
            given = [[row[name] for name in names] for row in (one, other)]
            if all(value is not None for values in given for value in values) and not agree(*given):
                first, second = (", ".join(f"{value}" for value in values) for values in given)
                return f"{' and '.join(names)} {first} against {second}"
    return None


def _same_position(one: Sequence[object], other: Sequence[object]) -> bool:
    (lat, lon), (lat2, lon2) = ([float(str(value)) for value in pair] for pair in (one, other))
    turn = abs(lon - lon2) % 360
    east = min(turn, 360 - turn) * cos(radians(min(abs(lat), 90)))
    return abs(lat - lat2) <= _SAME_DEGREES and east <= _SAME_DEGREES


def _same_country(one: Sequence[object], other: Sequence[object]) -> bool:
    names = [str(values[0]) for values in (one, other)]
    if len({fold(name) for name in names}) == 1:
        return True
    codes = {Gazetteer.load().country(name) for name in names}
    return len(codes) == 1 and None not in codes


def _same_city(one: Sequence[object], other: Sequence[object]) -> bool:
    return fold(str(one[0])) == fold(str(other[0]))


_COMPARED = {
    ("latitude", "longitude"): _same_position,
    ("country",): _same_country,
    ("city",): _same_city,
}
