r"""Job: the figures of tables of predictions, by a recipe.

ray job submit --working-dir . -- \
  python -m jobs.evaluate --recipe jobs/recipes/paper/evaluate.yaml
"""

from pathlib import Path
from typing import Annotated

import typer

from georay.config.evaluate import EvaluateRecipe
from georay.config.load import laid_over
from georay.evaluation.written import evaluate_by_recipe
from jobs import Settings, problems_in_a_sentence


def main(
    recipe: Annotated[Path, typer.Option(help="A recipe of an evaluation, YAML.")],
    settings: Settings = None,
) -> None:
    """Judge the answers of a recipe on the node that runs this job."""
    with problems_in_a_sentence():
        written = evaluate_by_recipe(laid_over(recipe, EvaluateRecipe, {}, settings or ()))
    print(written.as_text())


if __name__ == "__main__":
    typer.run(main)
