"""Job: where the pictures of a collection were taken, by a recipe.

ray job submit --working-dir . -- python -m jobs.locate --recipe jobs/recipes/locate-small.yaml
"""

from pathlib import Path
from typing import Annotated

import typer

from georay.config.load import laid_over
from georay.config.locate import LocateRecipe
from georay.flow.collection import locate_collection
from jobs import Settings, problems_in_a_sentence


def main(
    recipe: Annotated[Path, typer.Option(help="A recipe of a collection, YAML.")],
    settings: Settings = None,
) -> None:
    """Locate one collection on the cluster that this job was submitted to."""
    with problems_in_a_sentence():
        summary = locate_collection(laid_over(recipe, LocateRecipe, {}, settings or ()), print)
    print(summary.as_text())


if __name__ == "__main__":
    typer.run(main)
