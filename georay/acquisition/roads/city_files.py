"""One city of a run of points: the key of its settings, and the three files that it leaves."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from georay.acquisition.table_files import ACKNOWLEDGED, write_table
from georay.config.points import CityRecipe, PointsRecipe
from georay.core.fetched import local_copy
from georay.core.manifest import digest, file_sha256, write_atomic, write_json
from georay.core.paths import AnyPath, path_of

# Raised when the same settings would give other points, so that old cities are done again.
_METHOD = 1


@dataclass(frozen=True)
class CityTask:
    """One city to sample. stem: where the three files lie that it leaves, without their endings."""

    city: CityRecipe
    recipe: PointsRecipe
    title: str
    stem: str

    @property
    def table(self) -> AnyPath:
        return self._file(".parquet")

    @property
    def picture(self) -> AnyPath:
        return self._file(".svg")

    @property
    def facts(self) -> AnyPath:
        return self._file(".json")

    def _file(self, ending: str) -> AnyPath:
        stem = path_of(self.stem)
        return stem.with_name(stem.name + ending)

    def key(self) -> str:
        """Changes with whatever changes the points. Raises ValueError if a file is absent."""
        settings = self.recipe.model_dump(mode="json", exclude={"output", "cities", "cluster"})
        boundary = self.city.boundary
        try:
            extract = local_copy(self.city.extract).stat()
            drawn = None if boundary is None else file_sha256(path_of(boundary))
        except OSError as problem:
            named = f"{problem.filename}: {problem.strerror}" if problem.filename else problem
            raise ValueError(f"cannot read {named}") from problem
        city = self.city.model_dump(mode="json")
        return digest(_METHOD, settings, city, extract.st_size, extract.st_mtime_ns, drawn)

    def finished(self) -> dict[str, Any] | None:
        """The facts of an earlier run of the same settings, if its files are all there."""
        if not (self.facts.exists() and self.table.exists() and self.picture.exists()):
            return None
        facts = json.loads(self.facts.read_text(encoding="utf-8"))
        return facts if facts["key"] == self.key() else None


@dataclass(frozen=True)
class CityOutcome:
    """One city of a run: its facts, or the error that kept it from having points."""

    title: str
    facts: dict[str, Any] | None
    error: str | None = None


def sample_to_files(task: CityTask, on_read: Callable[[int], None]) -> CityOutcome:
    """Samples a city and writes its table, its picture and, last, its facts."""
    from georay.acquisition.roads.city import sample_city
    from georay.acquisition.roads.picture import draw

    try:
        key = task.key()
        city = sample_city(task.city, task.recipe, on_read)
    except (ValueError, OSError) as problem:
        return CityOutcome(task.title, None, str(problem))
    facts = {"key": key, "title": task.title, **city.facts}
    write_table(city.points, task.table, ACKNOWLEDGED["points"])
    write_atomic(task.picture, draw(city, caption(facts, task.recipe.interval_m)))
    write_json(task.facts, facts)
    return CityOutcome(task.title, facts)


def caption(facts: dict[str, Any], interval: float) -> str:
    """The city, and how many of its points were chosen."""
    chosen, found = facts["num_chosen"], facts["num_points"]
    number = f"{found:,}" if chosen == found else f"{chosen:,} of {found:,}"
    return f"{facts['title']}: {number} points, every {interval:,.0f} m"
