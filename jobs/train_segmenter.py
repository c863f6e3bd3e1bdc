"""Trains or evaluates the small segmenter and the small MaskFormer.

    python -m jobs.train_segmenter --recipe jobs/recipes/train-segmenter.yaml
    python -m jobs.train_segmenter --recipe jobs/recipes/train-segmenter.yaml --evaluate small

Run again, training continues at its last checkpoint. Drawn scenes are drawn where absent;
evaluation leaves out CamVid and sets of photographs whose folders do not exist. Only one's own:
--set 'evaluation=[{folder: my_masks}]' (factory/segmenter/masks.py says how a folder is laid out).
"""

from pathlib import Path
from typing import Annotated

import typer

from georay.config.load import laid_over
from georay.config.segmenter import TrainSegmenterRecipe
from jobs import Settings, problems_in_a_sentence


def main(
    recipe: Annotated[Path, typer.Option(help="YAML recipe.")],
    evaluate: Annotated[
        str, typer.Option(help="Evaluate instead: 'small' or a weights file.")
    ] = "",
    split: Annotated[str, typer.Option(help="Split of photographs to evaluate.")] = "test",
    settings: Settings = None,
) -> None:
    """Trains by a recipe, or prints how right weights are."""
    with problems_in_a_sentence():
        run = laid_over(recipe, TrainSegmenterRecipe, {}, settings or ())
        if evaluate:
            _evaluate(run, evaluate, split)
        else:
            _train(run)


def _train(run: TrainSegmenterRecipe) -> None:
    from georay.factory.segmenter.run import train_segmenter

    written = train_segmenter(run, lambda progress: print(progress.as_text(), flush=True))
    print(f"wrote {written}")


def _evaluate(run: TrainSegmenterRecipe, weights: str, split: str) -> None:
    from georay.factory.segmenter.run import evaluate_file
    from georay.models.segmenters.base import SMALL, SMALL_WEIGHTS

    file = SMALL_WEIGHTS if weights == SMALL else Path(weights)
    print(evaluate_file(run, file, split))


if __name__ == "__main__":
    typer.run(main)
