"""The verb of two-stage training: train."""

from pathlib import Path
from typing import Annotated

import typer

from georay.cli.output import AsJson, local_path, say


def train(
    recipe: Annotated[
        Path,
        typer.Argument(
            help="A training recipe, YAML.",
            show_default=False,
            parser=local_path,
        ),
    ],
    samples: Annotated[
        list[Path] | None,
        typer.Option(
            parser=local_path,
            help="Learn from this file or folder instead; may be given more than once.",
        ),
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="Train above this model instead: an id or a folder.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the run instead.",
            parser=local_path,
        ),
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Ray cluster instead: `local`, `auto` or host:port.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Teach a model to reason, then to locate: one LoRA adapter above the other.

    Writes adapters, curves for TensorBoard and a manifest into the run's folder. Stopped half-way?
    Run the same command again: it goes on from the last checkpoint.

    Example: georay train jobs/recipes/train-tiny.yaml --samples runs/samples --cluster local
    """
    from georay.config.load import load_recipe, parse_recipe
    from georay.config.train import TrainRecipe
    from georay.training.run import train as run

    content = load_recipe(recipe, TrainRecipe).model_dump(mode="json")
    given: dict[str, object] = {}
    if samples:
        given["samples"] = [str(one) for one in samples]
    if base is not None:
        given["base"] = {"model": base, "max_pixels": content["base"]["max_pixels"]}
    if out is not None:
        given["output"] = str(out)
    if cluster is not None:
        given["cluster"] = {"address": cluster}
    summary = run(parse_recipe(content | given, TrainRecipe, str(recipe)))
    facts = {"folder": str(summary.folder), "stages": summary.stages}
    say(summary.as_text(), facts, as_json)
