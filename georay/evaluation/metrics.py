"""The paper's figures from a table of predictions: accuracy, recall, F1, and shares by distance.

"Accuracy" counts effective answers only and "recall" is their share of all (section 4.2.2);
accuracy over all images stands beside them, because a model that refuses what is hard looks
accurate otherwise. Towns are compared as places of the gazetteer, not as text.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from georay.core.gazetteer import Gazetteer
from georay.core.geo import THRESHOLDS_KM, Formula, distance_km
from georay.core.manifest import file_sha256
from georay.core.tables import PREDICTIONS, conform
from georay.evaluation.intervals import Figure, f1_of_counts, share
from georay.evaluation.others_answers import read_answers

Level = Literal["country", "city"]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Measuring:
    """How figures are counted. `within` says whether a distance equal to a threshold counts.

    seed: of the bootstrap behind F1's interval.
    """

    formula: Formula = "haversine"
    within: Literal["<=", "<"] = "<="
    thresholds_km: tuple[float, ...] = THRESHOLDS_KM
    seed: int = 0


@dataclass(frozen=True)
class PredictionsFile:
    """Which file figures came from. unused: its columns that no figure looks at."""

    name: str
    sha256: str
    unused: tuple[str, ...] = ()

    def as_text(self) -> str:
        passed_over = f"; columns not used: {', '.join(self.unused)}" if self.unused else ""
        return f"{self.name} (SHA-256 {self.sha256}){passed_over}"


@dataclass(frozen=True)
class LevelScores:
    """How well one level was answered, over the `num_images` whose truth is known.

    An answer is effective if it names a country (or a town) at all, right or wrong.
    num_without_truth: images left out, without a true country (or a town the gazetteer has).
    """

    level: Level
    num_images: int
    num_effective: int
    num_correct: int
    num_without_truth: int
    accuracy: Figure
    recall: Figure
    f1: Figure
    accuracy_over_all: Figure


@dataclass(frozen=True)
class WithinDistance:
    """Shares of images placed within `threshold_km` of the truth.

    best_by_name: what the best town name that the gazetteer has for each image would reach. No
    answer by name can do better, since it is scored at the town's centre.
    """

    threshold_km: float
    of_all: Figure
    of_located: Figure
    best_by_name: Figure


@dataclass(frozen=True)
class Evaluation:
    """All figures of one predictions file. `num_placed`: images whose true position is known."""

    source: PredictionsFile
    measuring: Measuring
    num_images: int
    statuses: dict[str, int]
    country: LevelScores
    city: LevelScores
    num_placed: int
    num_located: int
    distances: tuple[WithinDistance, ...]

    def to_json(self) -> dict[str, object]:
        """Every field, as JSON has it."""
        return asdict(self)

    def as_text(self) -> str:
        """The figures as two tables, headed by the file that they came from."""
        return "\n".join([*_heading(self), "", *_level_lines(self), "", *_distance_lines(self)])


def evaluate_file(path: Path, measuring: Measuring | None = None) -> Evaluation:
    """The figures of a Parquet file with the schema PREDICTIONS, or of anyone's CSV or Parquet.

    Raises ValueError if it cannot be read, lacks a column, or holds an image more than once.
    """
    read = read_answers(path)
    source = PredictionsFile(_name(path), file_sha256(path), read.unused)
    return evaluate(read.table, source, measuring)


def _name(path: Path) -> str:
    """The file and the two folders that it lies in: runs of one model have equal file names."""
    return str(path) if not path.is_absolute() else "/".join(path.parts[1:][-3:])


def evaluate(
    table: pa.Table, source: PredictionsFile, measuring: Measuring | None = None
) -> Evaluation:
    """The figures of a table of predictions; raises ValueError as `evaluate_file` does."""
    measuring = measuring or Measuring()
    rows = conform(table, PREDICTIONS, source.name)
    _refuse_repeats(rows, source.name)
    statuses = Counter(rows.column("status").to_pylist())
    placed = _known(rows, "true_latitude") & _known(rows, "true_longitude")
    located = placed & _answered(rows) & _known(rows, "latitude") & _known(rows, "longitude")
    return Evaluation(
        source=source,
        measuring=measuring,
        num_images=rows.num_rows,
        statuses=dict(sorted(statuses.items())),
        country=_level("country", *_country_outcome(rows), measuring),
        city=_level("city", *_city_outcome(rows), measuring),
        num_placed=int(placed.sum()),
        num_located=int(located.sum()),
        distances=_within(rows, placed, located, measuring),
    )


def _refuse_repeats(rows: pa.Table, name: str) -> None:
    ids = Counter(rows.column("image_id").to_pylist())
    repeated = [image_id for image_id, count in ids.items() if count > 1]
    if repeated:
        raise ValueError(
            f"{name} answers {len(repeated):,} images more than once, such as {repeated[0]!r}; "
            "measure one model and adapter at a time"
        )


def _known(rows: pa.Table, column: str) -> Mask:
    mask: Mask = ~np.isnan(_numbers(rows, column))
    return mask


def _numbers(rows: pa.Table, column: str) -> NDArray[np.float64]:
    return np.array(rows.column(column).to_pylist(), dtype=np.float64)


def _answered(rows: pa.Table) -> Mask:
    return np.array([status == "answered" for status in rows.column("status").to_pylist()], bool)


def _country_outcome(rows: pa.Table) -> tuple[Mask, Mask, Mask]:
    """Masks over rows: truth known, answer effective, answer right."""
    country = cache(Gazetteer.load().country)
    truth = [country(name) for name in rows.column("true_country").to_pylist()]
    named = [country(name) for name in rows.column("country").to_pylist()]
    is_named = np.array([bool(name) for name in rows.column("country").to_pylist()], bool)
    return _outcome(truth, named, is_named & _answered(rows))


def _city_outcome(rows: pa.Table) -> tuple[Mask, Mask, Mask]:
    """As for countries. A town that the gazetteer lacks is an effective answer, and a wrong one."""
    truth = _towns(rows, "true_city", "true_country")
    named = _towns(rows, "city", "country")
    is_named = np.array([bool(name) for name in rows.column("city").to_pylist()], bool)
    return _outcome(truth, named, is_named & _answered(rows))


def _towns(rows: pa.Table, city: str, country: str) -> list[int | None]:
    resolve = cache(Gazetteer.load().resolve)
    pairs = zip(rows.column(city).to_pylist(), rows.column(country).to_pylist(), strict=True)
    places = [resolve(*pair) for pair in pairs]
    return [place.geoname_id if place else None for place in places]


def _outcome(
    truth: list[str | None] | list[int | None],
    named: list[str | None] | list[int | None],
    effective: Mask,
) -> tuple[Mask, Mask, Mask]:
    known = np.array([value is not None for value in truth], bool)
    equal = np.array([a == b for a, b in zip(truth, named, strict=True)], bool)
    return known, known & effective, known & effective & equal


def _level(
    level: Level, known: Mask, effective: Mask, correct: Mask, measuring: Measuring
) -> LevelScores:
    num_images, num_effective = int(known.sum()), int(effective.sum())
    num_correct = int(correct.sum())
    return LevelScores(
        level=level,
        num_images=num_images,
        num_effective=num_effective,
        num_correct=num_correct,
        num_without_truth=len(known) - num_images,
        accuracy=share(num_correct, num_effective),
        recall=share(num_effective, num_images),
        f1=f1_of_counts(num_correct, num_effective, num_images, measuring.seed),
        accuracy_over_all=share(num_correct, num_images),
    )


def _within(
    rows: pa.Table, placed: Mask, located: Mask, measuring: Measuring
) -> tuple[WithinDistance, ...]:
    true_latitude, true_longitude = (
        _numbers(rows, "true_latitude"),
        _numbers(rows, "true_longitude"),
    )
    distances = distance_km(
        true_latitude[located],
        true_longitude[located],
        _numbers(rows, "latitude")[located],
        _numbers(rows, "longitude")[located],
        measuring.formula,
    )
    floor = _nearest_town_km(true_latitude[placed], true_longitude[placed], measuring.formula)
    num_placed, num_located = int(placed.sum()), int(located.sum())
    return tuple(
        WithinDistance(
            threshold_km=threshold,
            of_all=share(near := _count_within(distances, threshold, measuring), num_placed),
            of_located=share(near, num_located),
            best_by_name=share(_count_within(floor, threshold, measuring), num_placed),
        )
        for threshold in measuring.thresholds_km
    )


def _count_within(distances: NDArray[np.float64], threshold: float, measuring: Measuring) -> int:
    near = distances <= threshold if measuring.within == "<=" else distances < threshold
    return int(near.sum())


def _nearest_town_km(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64], formula: Formula
) -> NDArray[np.float64]:
    """Distance of each point from the closest town centre of the gazetteer."""
    nearest = Gazetteer.load().nearest
    towns = [nearest(*point) for point in zip(latitude.tolist(), longitude.tolist(), strict=True)]
    centres = np.array([(town.latitude, town.longitude) for town in towns]).reshape(-1, 2)
    return distance_km(latitude, longitude, centres[:, 0], centres[:, 1], formula)


def _heading(found: Evaluation) -> list[str]:
    statuses = ", ".join(f"{count:,} {status}" for status, count in found.statuses.items())
    return [
        f"Predictions: {found.source.as_text()}",
        f"{found.num_images:,} images: {statuses or 'no answers'}",
    ]


def _level_lines(found: Evaluation) -> list[str]:
    lines = [f"{'':8}{'images':>8}  " + "".join(f"{name:24}" for name in _LEVEL_COLUMNS)]
    for scores in (found.country, found.city):
        figures = (scores.accuracy, scores.recall, scores.f1, scores.accuracy_over_all)
        cells = "".join(f"{figure.as_text():24}" for figure in figures)
        lines.append(f"{scores.level:8}{scores.num_images:>8,}  {cells}")
        if scores.num_without_truth:
            lines.append(f"{'':8}{scores.num_without_truth:,} more have no true {scores.level}")
    return [line.rstrip() for line in lines]


_LEVEL_COLUMNS = ("accuracy (effective)", "recall", "F1", "accuracy (all images)")


def _distance_lines(found: Evaluation) -> list[str]:
    how = found.measuring
    heads = f"of {found.num_placed:,} images", f"of {found.num_located:,} located"
    lines = [f"{'within':16}{heads[0]:24}{heads[1]:24}best by any town's name"]
    for one in found.distances:
        cells = "".join(f"{figure.as_text():24}" for figure in (one.of_all, one.of_located))
        label = f"{how.within} {one.threshold_km:g} km"
        lines.append(f"{label:16}{cells}{one.best_by_name.as_text()}")
    lines.append(f"In brackets 95 % intervals (Wilson; F1: bootstrap). Distances: {how.formula}.")
    return lines
