"""The figures of groups of images: by continent, country, kind of picture and locatability."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from georay.core.continents import continent_of
from georay.core.gazetteer import Gazetteer
from georay.evaluation.intervals import Figure, median_of, share
from georay.evaluation.outcomes import Mask, Outcomes

BAND = 0.2
"""Width of a band of locatability, so that the paper's threshold of 0.4 is between two."""


@dataclass(frozen=True)
class Group:
    """Images that have something in common; shares are of all of them with that truth.

    within_km: shares of those whose position is known, by threshold, like `country` and `city`
    with unanswered ones as misses.
    """

    name: str
    num_images: int
    country: Figure
    city: Figure
    within_km: dict[float, Figure]
    median_km: Figure


@dataclass(frozen=True)
class Breakdown:
    """Every image is in one group. by: "continent", "country", "kind", "locatability" or
    "sureness"."""

    by: str
    groups: tuple[Group, ...]


def breakdowns_of(
    rows: pa.Table, found: Outcomes, near: dict[float, Mask]
) -> tuple[Breakdown, ...]:
    """Of a table of schema JUDGED, by all that is known of at least one of its images.

    near: by threshold in km, which images [num_images] are answered within it.
    """
    return tuple(
        Breakdown(by, _groups(names, found, near, largest_first=by == "country"))
        for by, names in _names(rows, found)
        if any(name is not None for name in names)
    )


def _names(rows: pa.Table, found: Outcomes) -> Iterator[tuple[str, list[str | None]]]:
    codes = found.country.truth.tolist()
    name_of = Gazetteer.load().country_name
    yield "continent", [continent_of(code) if code else None for code in codes]
    yield "country", [name_of(code) if code else None for code in codes]
    yield "kind", rows.column("kind").to_pylist()
    yield "locatability", [_band(score) for score in rows.column("locatability").to_pylist()]
    yield "sureness", rows.column("sureness").to_pylist()


def _band(score: float | None) -> str | None:
    if score is None or np.isnan(score):
        return None
    low = min(np.floor(score / BAND + 1e-9), round(1 / BAND) - 1) * BAND
    return f"{low:.1f} to {low + BAND:.1f}"


def _groups(
    names: list[str | None], found: Outcomes, near: dict[float, Mask], largest_first: bool
) -> tuple[Group, ...]:
    labels, group_of = np.unique([name or "unknown" for name in names], return_inverse=True)
    groups = [
        _group(name, group_of == number, found, near) for number, name in enumerate(labels.tolist())
    ]
    if largest_first:
        groups.sort(key=lambda group: -group.num_images)
    return tuple(groups)


def _group(name: str, inside: NDArray[np.bool_], found: Outcomes, near: dict[float, Mask]) -> Group:
    country, city = found.country, found.city
    num_placed = int((inside & found.placed).sum())
    return Group(
        name=name,
        num_images=int(inside.sum()),
        country=share(int((inside & country.correct).sum()), int((inside & country.known).sum())),
        city=share(int((inside & city.correct).sum()), int((inside & city.known).sum())),
        within_km={km: share(int((inside & m).sum()), num_placed) for km, m in near.items()},
        median_km=median_of(found.distance_km[inside & found.located]),
    )
