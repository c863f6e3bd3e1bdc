"""The paper's figures from a table of predictions: accuracy, recall, F1, and shares by distance.

"Accuracy" counts effective answers only and "recall" is their share of all (section 4.2.2);
accuracy over all images stands beside them, because a model that refuses what is hard looks
accurate otherwise. Towns are compared as places of the gazetteer, not as text.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Literal

import pyarrow as pa

from georay.core.gazetteer import Gazetteer
from georay.core.geo import THRESHOLDS_KM, Formula, distance_km
from georay.core.manifest import file_sha256
from georay.core.paths import AnyPath, StoragePath, files_below
from georay.core.tables import PREDICTIONS, conform
from georay.evaluation.intervals import Figure, f1_of_counts, share
from georay.evaluation.others_answers import read_answers
from georay.evaluation.outcomes import Floats, LevelOutcome, Mask, Outcomes, outcomes_of
from georay.evaluation.placement import Placement, placement_of

Level = Literal["country", "city"]


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
    placement: Placement

    def to_json(self) -> dict[str, object]:
        """Every field, as JSON has it."""
        return asdict(self)

    def as_text(self) -> str:
        """The figures as two tables, headed by the file that they came from."""
        return "\n".join([*_heading(self), "", *_level_lines(self), "", *_distance_lines(self)])


def evaluate_file(path: AnyPath, measuring: Measuring | None = None) -> Evaluation:
    """The figures of a Parquet file with the schema PREDICTIONS, or of anyone's CSV or Parquet.

    Raises ValueError if it cannot be read, lacks a column, or holds an image more than once.
    """
    read = read_answers(path)
    return evaluate(read.table, source_of(path, read.unused), measuring)


def source_of(path: AnyPath, unused: tuple[str, ...] = ()) -> PredictionsFile:
    """The file as figures name it. unused: its columns that no figure looks at."""
    return PredictionsFile(_name(path), _sha256(path), unused)


def _sha256(path: AnyPath) -> str:
    """Of a folder: of the hashes of its Parquet files, in the order of their names."""
    if not path.is_dir():
        return file_sha256(path)
    parts = [file_sha256(file) for file in files_below(path) if file.suffix == ".parquet"]
    return sha256("".join(parts).encode()).hexdigest()


def _name(path: AnyPath) -> str:
    """The file and the two folders that it lies in: runs of one model have equal file names."""
    if isinstance(path, StoragePath):
        return "/".join([path.address.authority, *path.address.key.split("/")][-3:])
    return str(path) if not path.is_absolute() else "/".join(path.parts[1:][-3:])


def evaluate(
    table: pa.Table, source: PredictionsFile, measuring: Measuring | None = None
) -> Evaluation:
    """The figures of a table of predictions; raises ValueError as `evaluate_file` does."""
    measuring = measuring or Measuring()
    rows = conform(table, PREDICTIONS, source.name)
    return evaluate_outcomes(
        rows, outcomes_of(rows, source.name, measuring.formula), source, measuring
    )


def evaluate_outcomes(
    rows: pa.Table, found: Outcomes, source: PredictionsFile, measuring: Measuring
) -> Evaluation:
    """The figures of a table of predictions whose outcomes are known already."""
    statuses = Counter(rows.column("status").to_pylist())
    num_placed, num_located = int(found.placed.sum()), int(found.located.sum())
    distances = found.distance_km[found.located]
    floor = _nearest_town_km(found.true_points, measuring.formula)
    return Evaluation(
        source=source,
        measuring=measuring,
        num_images=rows.num_rows,
        statuses=dict(sorted(statuses.items())),
        country=_level("country", found.country, measuring),
        city=_level("city", found.city, measuring),
        num_placed=num_placed,
        num_located=num_located,
        distances=_within(distances, floor, num_placed, num_located, measuring),
        placement=placement_of(distances, num_placed),
    )


def _level(level: Level, found: LevelOutcome, measuring: Measuring) -> LevelScores:
    num_images, num_effective = int(found.known.sum()), int(found.effective.sum())
    num_correct = int(found.correct.sum())
    return LevelScores(
        level=level,
        num_images=num_images,
        num_effective=num_effective,
        num_correct=num_correct,
        num_without_truth=len(found.known) - num_images,
        accuracy=share(num_correct, num_effective),
        recall=share(num_effective, num_images),
        f1=f1_of_counts(num_correct, num_effective, num_images, measuring.seed),
        accuracy_over_all=share(num_correct, num_images),
    )


def _within(
    distances: Floats, floor: Floats, num_placed: int, num_located: int, measuring: Measuring
) -> tuple[WithinDistance, ...]:
    return tuple(
        WithinDistance(
            threshold_km=threshold,
            of_all=share(near := int(is_within(distances, threshold, measuring).sum()), num_placed),
            of_located=share(near, num_located),
            best_by_name=share(int(is_within(floor, threshold, measuring).sum()), num_placed),
        )
        for threshold in measuring.thresholds_km
    )


def is_within(distances: Floats, threshold: float, measuring: Measuring) -> Mask:
    """Which distances count as within a threshold; those that nobody knows (NaN) do not."""
    near: Mask = distances <= threshold if measuring.within == "<=" else distances < threshold
    return near


def _nearest_town_km(points: Floats, formula: Formula) -> Floats:
    """Distance of each point [number, 2] from the closest town centre of the gazetteer."""
    latitude, longitude = points[:, 0], points[:, 1]
    towns = Gazetteer.load().nearest_of_each(latitude, longitude)
    return distance_km(latitude, longitude, towns.latitude, towns.longitude, formula)


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
    lines += found.placement.as_lines()
    lines.append(f"In brackets 95 % intervals (Wilson; F1: bootstrap). Distances: {how.formula}.")
    return lines
