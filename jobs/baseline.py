r"""Job: one of the systems that georay is compared with, by a recipe.

ray job submit --working-dir . -- \
  python -m jobs.baseline --recipe jobs/recipes/baselines/planet-paper.yaml
"""

from pathlib import Path
from typing import Annotated

import typer

from georay.config.baselines import BaselineRecipe
from georay.config.load import laid_over
from georay.core.extras import require_extra
from georay.evaluation.baselines.make_baseline import make_baseline
from jobs import Settings, problems_in_a_sentence


def main(
    recipe: Annotated[Path, typer.Option(help="A recipe of a baseline, YAML.")],
    settings: Settings = None,
) -> None:
    """Train a recipe's system on the cluster that this job was submitted to."""
    with problems_in_a_sentence():
        require_extra("train", "training")
        summary = make_baseline(laid_over(recipe, BaselineRecipe, {}, settings or ()))
    print(summary.as_text())


if __name__ == "__main__":
    typer.run(main)
