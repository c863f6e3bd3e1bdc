"""Job: train adapters by a recipe.

ray job submit --working-dir . -- python -m jobs.train --recipe jobs/recipes/train-tiny.yaml
"""

from pathlib import Path
from typing import Annotated

import typer

from georay.config.load import laid_over
from georay.config.train import TrainRecipe
from georay.core.extras import require_extra
from georay.training.train import train
from jobs import Settings, problems_in_a_sentence


def main(
    recipe: Annotated[Path, typer.Option(help="A training recipe, YAML.")],
    settings: Settings = None,
) -> None:
    """Run one training recipe on the cluster that this job was submitted to."""
    with problems_in_a_sentence():
        require_extra("train", "training")
        summary = train(laid_over(recipe, TrainRecipe, {}, settings or ()))
    print(summary.as_text())


if __name__ == "__main__":
    typer.run(main)
