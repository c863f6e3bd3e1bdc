r"""Job: training conversations of clues and curated pictures, by a recipe.

ray job submit --working-dir . -- \
  python -m jobs.samples --recipe jobs/recipes/paper/samples.yaml
"""

from pathlib import Path
from typing import Annotated

import typer

from georay.config.load import laid_over
from georay.config.samples import SamplesRecipe
from georay.curation.samples import make_samples
from jobs import Settings, problems_in_a_sentence


def main(
    recipe: Annotated[Path, typer.Option(help="A recipe of samples, YAML.")],
    settings: Settings = None,
) -> None:
    """Make the samples of a recipe on the node that runs this job."""
    with problems_in_a_sentence():
        summary = make_samples(laid_over(recipe, SamplesRecipe, {}, settings or ()))
    print(summary.as_text())


if __name__ == "__main__":
    typer.run(main)
