"""Job: make a table of clues by a recipe.

ray job submit --working-dir . -- python -m jobs.clues --recipe jobs/recipes/clues-small.yaml
"""

from pathlib import Path
from typing import Annotated

import typer

from georay.config.clues import CluesRecipe
from georay.config.load import load_recipe
from georay.errors import GeorayError
from georay.flow.clues import make_clues


def main(
    recipe: Annotated[Path, typer.Option(help="A recipe of clues, YAML.")],
) -> None:
    """Run one recipe of clues on the cluster that this job was submitted to."""
    try:
        summary = make_clues(load_recipe(recipe, CluesRecipe))
    except (GeorayError, ValueError) as problem:
        raise SystemExit(str(problem)) from problem
    print(summary.as_text())


if __name__ == "__main__":
    typer.run(main)
