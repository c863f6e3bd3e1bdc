"""Job: curate photographs by a recipe.

ray job submit --working-dir . -- python -m jobs.curate --recipe jobs/recipes/curate-small.yaml
"""

from pathlib import Path
from typing import Annotated

import typer

from georay.config.curate import CurateRecipe
from georay.config.load import laid_over
from georay.curation.curate import curate
from jobs import Settings, problems_in_a_sentence


def main(
    recipe: Annotated[Path, typer.Option(help="A curation recipe, YAML.")],
    settings: Settings = None,
) -> None:
    """Run one curation recipe on the cluster that this job was submitted to."""
    with problems_in_a_sentence():
        summary = curate(laid_over(recipe, CurateRecipe, {}, settings or ()))
    print(summary.as_text())
    print(f"report: {summary.folder}/report.html")


if __name__ == "__main__":
    typer.run(main)
