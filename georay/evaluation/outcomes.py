"""Outcome of each image: whether its answer is right, and how far it is from the truth."""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from georay.core.gazetteer import Gazetteer
from georay.core.geo import Formula, distance_km
from georay.evaluation.inputs.joining import refuse_repeats

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Keys = NDArray[np.object_]


@dataclass(frozen=True)
class LevelOutcome:
    """Per image [num_images] of one level. `effective` and `correct` hold only where `known` does.

    truth, answer: what the two name, as an alpha-2 code or the id of a town; None for nothing
    that the gazetteer has.
    """

    known: Mask
    effective: Mask
    correct: Mask
    truth: Keys
    answer: Keys


@dataclass(frozen=True)
class Outcomes:
    """Every image of a table, in its order.

    placed: its true position is known. located: that of an answer too. distance_km: between the
    two, NaN unless located. points, answered_points [num_images, 2]: degrees, NaN where unknown.
    """

    image_ids: tuple[str, ...]
    country: LevelOutcome
    city: LevelOutcome
    placed: Mask
    located: Mask
    distance_km: Floats
    points: Floats
    answered_points: Floats

    @property
    def true_points(self) -> Floats:
        """Degrees [number, 2] of the images whose position is known."""
        return self.points[self.placed]


def outcomes_of(rows: pa.Table, name: str, formula: Formula) -> Outcomes:
    """The outcomes of a table with the columns of PREDICTIONS.

    Raises ValueError if an image is answered more than once, naming the table as `name`.
    """
    ids = rows.column("image_id").to_pylist()
    refuse_repeats(ids, name)
    answered = np.asarray(pc.equal(rows.column("status"), "answered"), dtype=bool)
    truth = _points(rows, "true_latitude", "true_longitude")
    answers = _points(rows, "latitude", "longitude")
    placed = _known(truth)
    located = placed & answered & _known(answers)
    distances = np.full(len(ids), np.nan)
    (latitude, longitude), (other_latitude, other_longitude) = truth[located].T, answers[located].T
    distances[located] = distance_km(latitude, longitude, other_latitude, other_longitude, formula)
    return Outcomes(
        image_ids=tuple(ids),
        country=_countries(rows, answered),
        city=_towns(rows, answered),
        placed=placed,
        located=located,
        distance_km=distances,
        points=truth,
        answered_points=answers,
    )


def _points(rows: pa.Table, latitude: str, longitude: str) -> Floats:
    ends = [rows.column(name).to_numpy(zero_copy_only=False) for name in (latitude, longitude)]
    return np.stack([end.astype(np.float64) for end in ends], axis=1)


def _known(points: Floats) -> Mask:
    return np.asarray(~np.isnan(points).any(axis=1), dtype=bool)


def _countries(rows: pa.Table, answered: Mask) -> LevelOutcome:
    country = cache(Gazetteer.load().country)
    truth = [country(name) for name in rows.column("true_country").to_pylist()]
    named = rows.column("country").to_pylist()
    return _level(truth, [country(name) for name in named], answered & _says(named))


def _towns(rows: pa.Table, answered: Mask) -> LevelOutcome:
    """As for countries. A town that the gazetteer lacks is an effective answer, and a wrong one."""
    truth = _town_ids(rows, "true_city", "true_country")
    named = rows.column("city").to_pylist()
    return _level(truth, _town_ids(rows, "city", "country"), answered & _says(named))


def _town_ids(rows: pa.Table, city: str, country: str) -> list[int | None]:
    pairs = zip(rows.column(city).to_pylist(), rows.column(country).to_pylist(), strict=True)
    return [town_id(*pair) for pair in pairs]


@lru_cache(maxsize=1 << 18)
def town_id(city: str | None, country: str | None) -> int | None:
    """The GeoNames id of the town that a name means in a country; None for nothing known."""
    place = Gazetteer.load().resolve(city, country)
    return place.geoname_id if place else None


def _says(names: list[str | None]) -> Mask:
    return np.array([bool(name) for name in names], bool)


def _level(
    truth: list[str | None] | list[int | None],
    named: list[str | None] | list[int | None],
    effective: Mask,
) -> LevelOutcome:
    known = np.array([value is not None for value in truth], bool)
    equal = np.array([a == b for a, b in zip(truth, named, strict=True)], bool)
    return LevelOutcome(
        known=known,
        effective=known & effective,
        correct=known & effective & equal,
        truth=np.array(truth, dtype=object),
        answer=np.array(named, dtype=object),
    )
