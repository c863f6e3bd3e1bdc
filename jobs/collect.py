"""Job: street views at sampling points by a recipe.

ray job submit --working-dir . -- python -m jobs.collect --recipe jobs/recipes/collect-small.yaml

The keys of the provider must be in the environment of the cluster's workers.
"""

from pathlib import Path
from typing import Annotated

import typer

from georay.acquisition.download.collect import collect
from georay.config.collect import CollectRecipe
from georay.config.load import laid_over
from jobs import Settings, problems_in_a_sentence


def main(
    recipe: Annotated[Path, typer.Option(help="A recipe of street views, YAML.")],
    settings: Settings = None,
) -> None:
    """Take the street views of a recipe on the cluster that this job was submitted to."""
    with problems_in_a_sentence():
        summary = collect(laid_over(recipe, CollectRecipe, {}, settings or ()), print)
    print(summary.as_text())


if __name__ == "__main__":
    typer.run(main)
