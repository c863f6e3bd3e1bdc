"""Job: train the adapters that the package carries for its tiny model, and measure them.

python -m jobs.tune_tiny        # half an hour on two cores; killed, it goes on

To ship them, copy the folder `adapters` of the run with both stages to georay/models/weights/tiny/,
and fit how sure they are, which takes minutes:

georay calibrate jobs/recipes/calibrate-tiny.yaml
"""

from pathlib import Path
from typing import Annotated

import typer

from georay.config.demo import DemoRecipe
from georay.config.load import laid_over
from georay.flow.demo import run_demo
from jobs import Settings, problems_in_a_sentence

RECIPE = Path(__file__).parent / "recipes" / "tune-tiny.yaml"


def main(
    recipe: Annotated[Path, typer.Option(help="A recipe as the demo's, YAML.")] = RECIPE,
    settings: Settings = None,
) -> None:
    """Draw, curate, train both stages above `tiny`, and ask about places that were held out."""
    with problems_in_a_sentence():
        finished = run_demo(laid_over(recipe, DemoRecipe, {}, settings or ()), typer.echo)
    typer.echo(f"{finished.text}\nreport: {finished.report}")


if __name__ == "__main__":
    typer.run(main)
