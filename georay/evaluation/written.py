"""Evaluates by a recipe, and writes the result as text, numbers and a page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from georay.config.evaluate import EvaluateRecipe
from georay.config.load import dump_recipe
from georay.core.manifest import write_atomic, write_json
from georay.core.paths import AnyPath, path_of
from georay.evaluation.inputs.conventions import read_conventions
from georay.evaluation.inputs.scenes import read_scenes
from georay.evaluation.inputs.truth import read_truth
from georay.evaluation.judging import Inputs
from georay.evaluation.metrics import Measuring
from georay.evaluation.report.judgement import render_judgements
from georay.evaluation.side_by_side import SideBySide, judge

Found = TypeVar("Found")


@dataclass(frozen=True)
class WrittenEvaluation:
    """What an evaluation left: its figures, and the folder they were written to."""

    folder: AnyPath
    found: SideBySide

    def as_text(self) -> str:
        return f"{self.found.as_text()}\nreport: {self.folder / 'report.html'}"


def evaluate_by_recipe(recipe: EvaluateRecipe) -> WrittenEvaluation:
    """Judges the files of a recipe and writes figures.md, figures.json, report.html, recipe.yaml.

    Run again, it judges again and writes the same. Raises ValueError as `judge` does.
    """
    rows = {name: [path_of(file) for file in files] for name, files in recipe.predictions.items()}
    inputs = Inputs(
        _read(recipe.truth, read_truth),
        recipe.raw_column,
        recipe.extra,
        _read(recipe.scenes, read_scenes),
        _read(recipe.conventions, read_conventions),
    )
    found = judge(rows, inputs, Measuring(recipe.formula, recipe.within))
    folder = path_of(recipe.output)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / "recipe.yaml", dump_recipe(recipe))
    write_atomic(folder / "figures.md", found.as_markdown())
    write_json(folder / "figures.json", found.to_json())
    write_atomic(folder / "report.html", render_judgements(found))
    return WrittenEvaluation(folder, found)


def _read(path: str | None, read: Callable[[AnyPath], Found]) -> Found | None:
    return None if path is None else read(path_of(path))
