"""Trains or evaluates the small segmenter and the small MaskFormer.

    python -m jobs.train_segmenter --recipe jobs/recipes/train-segmenter.yaml
    python -m jobs.train_segmenter --recipe jobs/recipes/train-segmenter.yaml --evaluate small

Run again, training continues at its last checkpoint. Drawn scenes are drawn where absent;
evaluation leaves out CamVid where its folder does not exist.
"""

from pathlib import Path
from typing import Annotated

import typer

from georay.config.load import load_recipe
from georay.config.segmenter import TrainSegmenterRecipe


def main(
    recipe: Annotated[Path, typer.Option(help="YAML recipe.")],
    evaluate: Annotated[
        str, typer.Option(help="Evaluate instead: 'small' or a weights file.")
    ] = "",
    split: Annotated[str, typer.Option(help="CamVid split that is evaluated.")] = "test",
) -> None:
    """Trains by a recipe, or prints the mean intersection over union of weights."""
    run = load_recipe(recipe, TrainSegmenterRecipe)
    if evaluate:
        _evaluate(run, evaluate, split)
        return
    from georay.training.segmenter.run import train_segmenter

    written = train_segmenter(run, lambda progress: print(progress.as_text(), flush=True))
    print(f"wrote {written}")


def _evaluate(run: TrainSegmenterRecipe, weights: str, split: str) -> None:
    import torch

    from georay.models.segmenters.small import WEIGHTS, load_small
    from georay.training.segmenter.camvid import read_split
    from georay.training.segmenter.drawn import held_out_scenes
    from georay.training.segmenter.evaluate import DRAWN, evaluate

    torch.set_num_threads(run.threads)
    segmenter = load_small(WEIGHTS if weights == "small" else Path(weights))
    print(segmenter.id)
    if run.camvid.exists():
        print(f"CamVid, {split}\n{evaluate(segmenter, read_split(run.camvid, split)).as_text()}")
    if run.drawn is not None:
        print(f"drawn scenes, seed {run.drawn.test_seed}")
        print(evaluate(segmenter, held_out_scenes(run.drawn), DRAWN).as_text())


if __name__ == "__main__":
    typer.run(main)
