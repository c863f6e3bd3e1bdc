r"""Job: a model's answers about held-out pictures, by a recipe.

ray job submit --working-dir . -- \
  python -m jobs.predict --recipe jobs/recipes/predict-trained-tiny.yaml
"""

from pathlib import Path
from typing import Annotated

import typer

from georay.config.load import load_recipe
from georay.config.predict import PredictRecipe
from georay.errors import GeorayError
from georay.evaluation.predict import predict


def main(
    recipe: Annotated[Path, typer.Option(help="A recipe of predictions, YAML.")],
) -> None:
    """Ask one model on the cluster that this job was submitted to."""
    try:
        summary = predict(load_recipe(recipe, PredictRecipe))
    except (GeorayError, ValueError) as problem:
        raise SystemExit(str(problem)) from problem
    print(summary.as_text())


if __name__ == "__main__":
    typer.run(main)
