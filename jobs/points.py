"""Job: sampling points on the roads of cities by a recipe.

ray job submit --working-dir . -- python -m jobs.points --recipe jobs/recipes/points-small.yaml
"""

from pathlib import Path
from typing import Annotated

import typer

from georay.acquisition.roads.run import make_points
from georay.config.load import load_recipe
from georay.config.points import PointsRecipe
from georay.errors import GeorayError


def main(
    recipe: Annotated[Path, typer.Option(help="A recipe of points, YAML.")],
) -> None:
    """Sample every city of a recipe on the cluster that this job was submitted to."""
    try:
        summary = make_points(load_recipe(recipe, PointsRecipe))
    except (GeorayError, ValueError) as problem:
        raise SystemExit(str(problem)) from problem
    print(summary.as_text())
    if summary.failures:
        raise SystemExit(f"{len(summary.failures)} of {len(summary.outcomes)} cities failed")


if __name__ == "__main__":
    typer.run(main)
