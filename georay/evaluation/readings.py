"""Compares two readings of the same raw answers: ours, and the other program's."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from georay.core.gazetteer import Gazetteer
from georay.core.geo import distance_km
from georay.core.names import fold

_SAME_KM = 1.0
_RIGHT_KM = 750.0
_NUM_EXAMPLES = 5

Objects = NDArray[np.object_]


@dataclass(frozen=True)
class Difference:
    """One answer that was read in two ways, in words."""

    image_id: str
    ours: str
    beside: str


@dataclass(frozen=True)
class Reading:
    """How the two agree about one part of the answers: "country", "city" or "position".

    neither: both read nothing. only_ours, only_beside: one of them did. differ: both did, and not
    the same. ours_right, beside_right: of the answers in these last three, how often each has the
    truth (positions: lies within 750 km of it). ours_alone, beside_alone: what one of them read
    where the other read nothing, most frequent first, each with how often.
    """

    part: str
    same: int
    neither: int
    only_ours: int
    only_beside: int
    differ: int
    ours_right: int
    beside_right: int
    ours_alone: tuple[tuple[str, int], ...]
    beside_alone: tuple[tuple[str, int], ...]
    examples: tuple[Difference, ...]


def compare_readings(ours: pa.Table, beside: pa.Table) -> tuple[Reading, ...]:
    """Of the parts that both tables have; rows belong together, and `ours` has the truth and ids.

    Countries are one by their code, towns by place or by letters, positions within a kilometre.
    """
    found = []
    if "country" in beside.column_names:
        found.append(_named(ours, beside, "country", _codes))
    if "city" in beside.column_names:
        found.append(_named(ours, beside, "city", _towns))
    if {"latitude", "longitude"} <= set(beside.column_names):
        found.append(_positions(ours, beside))
    return tuple(found)


def _codes(table: pa.Table, prefix: str = "") -> Objects:
    country = cache(Gazetteer.load().country)
    names = table.column(f"{prefix}country").to_pylist()
    return _objects([(country(name) or fold(name)) if name else None for name in names])


def _towns(table: pa.Table, prefix: str = "") -> Objects:
    resolve = cache(Gazetteer.load().resolve)
    cities = table.column(f"{prefix}city").to_pylist()
    countries = [None] * len(cities)
    if f"{prefix}country" in table.column_names:
        countries = table.column(f"{prefix}country").to_pylist()
    places = [resolve(*pair) for pair in zip(cities, countries, strict=True)]
    return _objects(
        [
            (place.geoname_id if place else fold(city)) if city else None
            for place, city in zip(places, cities, strict=True)
        ]
    )


def _objects(values: Sequence[object]) -> Objects:
    return np.array([*values, None], dtype=object)[:-1]


def _named(ours: pa.Table, beside: pa.Table, part: str, keys: Callable[..., Objects]) -> Reading:
    mine, other = keys(ours), keys(beside)
    truth = keys(ours, "true_")
    same = mine == other
    right = [(one == truth) & (truth != None) for one in (mine, other)]  # noqa: E711
    words = [table.column(part).to_pylist() for table in (ours, beside)]
    known = [np.array([value is not None for value in one], bool) for one in (mine, other)]
    return _reading(part, ours, same, known, right, words)


def _positions(ours: pa.Table, beside: pa.Table) -> Reading:
    mine, other, truth = (
        (_numbers(table, f"{prefix}latitude"), _numbers(table, f"{prefix}longitude"))
        for table, prefix in ((ours, ""), (beside, ""), (ours, "true_"))
    )
    known = [~(np.isnan(latitude) | np.isnan(longitude)) for latitude, longitude in (mine, other)]
    near = np.asarray(distance_km(*mine, *other) <= _SAME_KM, dtype=bool)
    right = [
        np.asarray(distance_km(*one, *truth) <= _RIGHT_KM, dtype=bool) for one in (mine, other)
    ]
    words = [[f"{a:g}, {b:g}" for a, b in zip(*one, strict=True)] for one in (mine, other)]
    same = near | ~(known[0] | known[1])
    return _reading("position", ours, same, known, right, words)


def _numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = table.column(name).to_numpy(zero_copy_only=False)
    return values.astype(np.float64)


def _reading(
    part: str,
    ours: pa.Table,
    same: NDArray[np.bool_],
    known: list[NDArray[np.bool_]],
    right: list[NDArray[np.bool_]],
    words: list[list[str]],
) -> Reading:
    mine, other = known
    apart = ~same
    ids = ours.column("image_id").to_pylist()
    rows = np.flatnonzero(apart)[:_NUM_EXAMPLES].tolist()
    return Reading(
        part=part,
        same=int((same & mine).sum()),
        neither=int((~mine & ~other).sum()),
        only_ours=int((apart & mine & ~other).sum()),
        only_beside=int((apart & ~mine & other).sum()),
        differ=int((apart & mine & other).sum()),
        ours_right=int((apart & right[0]).sum()),
        beside_right=int((apart & right[1]).sum()),
        ours_alone=_counted(words[0], apart & mine & ~other),
        beside_alone=_counted(words[1], apart & ~mine & other),
        examples=tuple(
            Difference(
                ids[row],
                words[0][row] if mine[row] else "nothing",
                words[1][row] if other[row] else "nothing",
            )
            for row in rows
        ),
    )


def _counted(words: list[str], chosen: NDArray[np.bool_]) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(words[row] for row in np.flatnonzero(chosen)).most_common())
