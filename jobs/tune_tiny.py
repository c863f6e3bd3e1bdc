"""Trains the adapters that the package carries for `tiny`, and measures them.

    python -m jobs.tune_tiny

Run again after a kill, it goes on where it was. To ship the result, copy the folder that it names
to georay/models/weights/tiny/adapters, and fit how sure they are, which takes minutes:

    georay calibrate jobs/recipes/calibrate-tiny.yaml
"""

from pathlib import Path
from typing import Annotated

import typer

from georay.config.demo import DemoRecipe
from georay.config.load import laid_over
from georay.factory import RECIPES
from jobs import Settings, problems_in_a_sentence


def main(
    recipe: Annotated[Path, typer.Option(help="YAML recipe.")] = RECIPES / "tune-tiny.yaml",
    settings: Settings = None,
) -> None:
    """Draws, curates, trains both stages above `tiny`, and asks about held-out places."""
    with problems_in_a_sentence():
        run = laid_over(recipe, DemoRecipe, {}, settings or ())
        from georay.factory.tune import tune

        tuned = tune(run, lambda line: print(line, flush=True))
    print(f"{tuned.figures}\nreport: {tuned.report}\nwrote {tuned.adapters}")


if __name__ == "__main__":
    typer.run(main)
