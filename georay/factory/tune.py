"""Trains the adapters that the package carries for `tiny`: the demo's flow, with more of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from georay.config.demo import DemoRecipe, RowName
from georay.flow.ablation import adapters_folder
from georay.flow.demo import run_demo

SHIPPED: RowName = "both stages"
"""The row of the paper's table 2 whose adapters the package carries."""


@dataclass(frozen=True)
class Tuned:
    """Folder of the adapters (one below it per stage), the report, and its figures as text."""

    adapters: Path
    report: Path
    figures: str


def tune(recipe: DemoRecipe, report: Callable[[str], None]) -> Tuned:
    """Draws, curates, trains both stages, and asks about places that were held out.

    A run that was killed goes on where it was. Raises ValueError when the recipe does not train
    both stages, and what the demo raises.
    """
    if SHIPPED not in recipe.rows:
        raise ValueError(f"the adapters that are shipped have both stages: add {SHIPPED!r} to rows")
    finished = run_demo(recipe, report)
    return Tuned(adapters_folder(finished.models, SHIPPED), finished.report, finished.text)
