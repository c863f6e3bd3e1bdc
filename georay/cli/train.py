"""The verb of two-stage training: train."""

from typing import Annotated

import typer

from georay.cli.output import AsJson, path_or_uri, say
from georay.cli.recipes import Settings, given


def train(
    recipe: Annotated[
        str,
        typer.Argument(help="A training recipe, YAML.", show_default=False, parser=path_or_uri),
    ],
    samples: Annotated[
        list[str] | None,
        typer.Option(
            parser=path_or_uri,
            help="Learn from this file or folder instead; may be given more than once.",
        ),
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="Train above this model instead: an id or a folder.")
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="Folder of the run instead.", parser=path_or_uri)
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Ray cluster instead: `local`, `auto` or host:port.")
    ] = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Teach a model to reason, then to locate: one LoRA adapter above the other.

    Writes adapters, curves for TensorBoard and a manifest into the run's folder. Stopped half-way?
    Run the same command again: it goes on from the last checkpoint.

    Example: georay train jobs/recipes/train-tiny.yaml --samples runs/samples --cluster local

    Example: georay train jobs/recipes/train-tiny.yaml --set stages.1.num_epochs=5
    """
    from georay.config.load import laid_over
    from georay.config.train import TrainRecipe
    from georay.core.extras import require_extra

    require_extra("train", "training")
    from georay.training.train import train as run

    options = {
        "samples": samples,
        "base": {"model": base},
        "output": out,
        "cluster": {"address": cluster},
    }
    summary = run(laid_over(recipe, TrainRecipe, given(options), settings or ()))
    facts = {"folder": str(summary.folder), "stages": summary.stages}
    say(summary.as_text(), facts, as_json)
