"""Job: sampling points on the roads of cities by a recipe.

ray job submit --working-dir . -- python -m jobs.points --recipe jobs/recipes/points-small.yaml
"""

from pathlib import Path
from typing import Annotated

import typer

from georay.acquisition.roads.make_points import make_points
from georay.config.load import laid_over
from georay.config.points import PointsRecipe
from jobs import Settings, problems_in_a_sentence


def main(
    recipe: Annotated[Path, typer.Option(help="A recipe of points, YAML.")],
    settings: Settings = None,
) -> None:
    """Sample every city of a recipe on the cluster that this job was submitted to."""
    with problems_in_a_sentence():
        summary = make_points(laid_over(recipe, PointsRecipe, {}, settings or ()))
    print(summary.as_text())
    if summary.failures:
        raise SystemExit(f"{len(summary.failures)} of {len(summary.outcomes)} cities failed")


if __name__ == "__main__":
    typer.run(main)
