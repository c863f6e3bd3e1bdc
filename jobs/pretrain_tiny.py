"""Trains the tiny base from scratch on StreetWorld's questions.

    python -m jobs.pretrain_tiny

Run again after a kill, it continues at its last checkpoint. To ship the result as model `tiny`,
copy the folder that it names to georay/models/weights/tiny.
"""

from pathlib import Path
from typing import Annotated

import typer

from georay.config.load import laid_over
from georay.config.pretrain import PretrainRecipe
from georay.factory import RECIPES
from jobs import Settings, problems_in_a_sentence


def main(
    recipe: Annotated[Path, typer.Option(help="YAML recipe.")] = RECIPES / "pretrain-tiny.yaml",
    settings: Settings = None,
) -> None:
    """Draws the scenes where absent, trains, evaluates on held-out scenes and writes the model."""
    with problems_in_a_sentence():
        run = laid_over(recipe, PretrainRecipe, {}, settings or ())
        from georay.factory.pretrain.run import pretrain

        folder = pretrain(run, lambda line: print(line, flush=True))
    print(f"wrote {folder}")


if __name__ == "__main__":
    typer.run(main)
