"""A run of the recipe of points: each city by itself, resumable, then one table of all.

Beside the output `points.parquet` lie `points.json` (settings, counts, versions) and a folder
`points.cities` with a table, a picture and the facts of every city. A city whose facts bear the
key of its settings and extract is finished and not done again.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from georay.acquisition.extra import PACKAGES, require_extra
from georay.acquisition.roads.city_files import CityOutcome, CityTask, caption, sample_to_files
from georay.acquisition.table_files import ACKNOWLEDGED, write_table
from georay.config.points import CityRecipe, PointsRecipe
from georay.core.manifest import write_json
from georay.core.names import fold
from georay.core.paths import open_parquet, path_of
from georay.core.run_folder import manifest_of, only_writer
from georay.core.tables import POINTS, conform
from georay.runtime.progress import progress


@dataclass(frozen=True)
class PointsSummary:
    """What a run of points wrote. `num_repeated`: points that an earlier city already has."""

    output: str
    interval_m: float
    num_points: int
    num_repeated: int
    num_finished_before: int
    outcomes: tuple[CityOutcome, ...]

    @property
    def failures(self) -> list[CityOutcome]:
        return [outcome for outcome in self.outcomes if outcome.error is not None]

    def as_text(self) -> str:
        lines = [_city_line(outcome, self.interval_m) for outcome in self.outcomes]
        if self.num_finished_before:
            lines.append(f"{self.num_finished_before} of them finished before and not done again")
        if self.num_repeated:
            lines.append(f"{self.num_repeated:,} points left out: an earlier city has them")
        return "\n".join([*lines, f"{self.num_points:,} points → {self.output}"])

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def make_points(recipe: PointsRecipe) -> PointsSummary:
    """Samples every city of a recipe, several at once on Ray, and writes one table.

    A city that fails leaves an error in the summary and costs no other. Raises ValueError if all
    fail, a package of the extra is missing, or another run writes to the same output.
    """
    require_extra()
    output = path_of(recipe.output)
    # Of the stem: points.parquet and points.csv share what lies beside them.
    with only_writer(output.parent, f".{output.stem}.points.lock"):
        return _make(recipe)


def _make(recipe: PointsRecipe) -> PointsSummary:
    tasks = city_tasks(recipe)
    before = {task.stem: _facts_before(task) for task in tasks}
    todo = [task for task in tasks if before[task.stem] is None]
    done = dict(_run(todo, recipe))
    outcomes = tuple(
        done.get(task.stem) or CityOutcome(task.title, before[task.stem]) for task in tasks
    )
    if all(outcome.error for outcome in outcomes):
        raise ValueError("\n".join(f"{each.title}: {each.error}" for each in outcomes))
    return _publish(recipe, tasks, outcomes, len(tasks) - len(todo))


def city_tasks(recipe: PointsRecipe) -> list[CityTask]:
    """The cities of a recipe with the files that each will leave."""
    output = path_of(recipe.output)
    folder = output.parent / f"{output.stem}.cities"
    titles = [_title(city) for city in recipe.cities]
    tasks = []
    for number, (city, title) in enumerate(zip(recipe.cities, titles, strict=True)):
        slug = re.sub(r"\W+", "-", title.lower()).strip("-") or "city"
        if [fold(other) for other in titles].count(fold(title)) > 1:
            slug = f"{slug}-{number + 1}"
        tasks.append(CityTask(city, recipe, title, str(folder / slug)))
    return tasks


def _facts_before(task: CityTask) -> dict[str, Any] | None:
    try:
        return task.finished()
    except ValueError:  # told of when the city's turn comes
        return None


def _run(tasks: Sequence[CityTask], recipe: PointsRecipe) -> list[tuple[str, CityOutcome]]:
    if not tasks:
        return []
    if len(tasks) == 1:
        with progress(f"Roads of {tasks[0].title}", None, "roads read") as meter:
            return [(tasks[0].stem, sample_to_files(tasks[0], meter.advance))]
    from georay.acquisition.roads.dataset import sample_on_ray
    from georay.runtime.connect import connect

    done = []
    with connect(recipe.cluster), progress("Sampling roads", len(tasks), "cities") as meter:
        for task, outcome in sample_on_ray(tasks):
            meter.advance(1, outcome.error is not None)
            meter.note(task.title)
            done.append((task.stem, outcome))
    return done


def _publish(
    recipe: PointsRecipe,
    tasks: Sequence[CityTask],
    outcomes: tuple[CityOutcome, ...],
    num_before: int,
) -> PointsSummary:
    """Writes the table of all cities, a point that two have once, and the run's manifest."""
    parts = [
        conform(open_parquet(task.table).read(), POINTS, str(task.table))
        for task, outcome in zip(tasks, outcomes, strict=True)
        if outcome.error is None
    ]
    joined = pa.concat_tables(parts)
    ids = joined["point_id"].to_pylist()
    first = list({point_id: row for row, point_id in reversed(list(enumerate(ids)))}.values())
    points = joined.take(pa.array(sorted(first), pa.int64()))
    output = path_of(recipe.output)
    write_table(points, output, ACKNOWLEDGED["points"])
    summary = PointsSummary(
        output=str(output),
        interval_m=recipe.interval_m,
        num_points=points.num_rows,
        num_repeated=joined.num_rows - points.num_rows,
        num_finished_before=num_before,
        outcomes=outcomes,
    )
    facts = {**ACKNOWLEDGED["points"], **summary.to_json()}
    packages = ("georay", "ray", "pyarrow", "numpy", *PACKAGES)
    manifest = manifest_of("points", recipe.model_dump(mode="json"), facts, packages)
    write_json(output.with_suffix(".json"), manifest)
    return summary


def _title(city: CityRecipe) -> str:
    if city.city is not None:
        return city.city
    if city.boundary is not None:
        return path_of(city.boundary).stem
    name = path_of(city.extract).name.partition(".")[0]
    if city.around is not None:
        return f"{name} {city.around[0]:g} {city.around[1]:g}"
    return name


def _city_line(outcome: CityOutcome, interval: float) -> str:
    if outcome.facts is None:
        return f"{outcome.title}: failed: {outcome.error}"
    facts = outcome.facts
    text = (
        f"{caption(facts, interval)}, {facts['num_in_gaps']:,} of them in gaps, on "
        f"{facts['road_km']:,.0f} km of roads in {facts['area']} ({facts['seconds']:.1f} s)"
    )
    if facts["num_incomplete_ways"]:
        text += f"; {facts['num_incomplete_ways']:,} ways lack nodes here and were cut"
    if facts["same_name"]:
        text += f"; also of this name: {', '.join(facts['same_name'])}"
    return text
