"""The verb `baseline`: a system that georay is compared with, trained or as published."""

from pathlib import Path
from typing import Annotated

import typer

from georay.cli.output import AsJson, local_path, say


def baseline(
    recipe: Annotated[
        Path,
        typer.Argument(help="A recipe of a baseline, YAML.", show_default=False, parser=local_path),
    ],
    samples: Annotated[
        list[Path] | None,
        typer.Option(
            parser=local_path,
            help="Learn from this file or folder instead; may be given more than once.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the system instead.", parser=local_path)
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Ray cluster instead: `local`, `auto` or host:port.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train one of the paper's other systems, such as PlaNet, on the same located pictures.

    Writes a folder that `georay predict RECIPE --model FOLDER` asks. Stopped half-way? Run the same
    command again: it goes on from the last checkpoint.

    Example: georay baseline jobs/recipes/baselines/planet-small.yaml --samples runs/samples
    """
    from georay.config.baselines import BaselineRecipe
    from georay.config.load import load_recipe, parse_recipe
    from georay.evaluation.baselines.run import make_baseline

    content = load_recipe(recipe, BaselineRecipe).model_dump(mode="json")
    given: dict[str, object] = {}
    if samples:
        given["samples"] = [str(one) for one in samples]
    if out is not None:
        given["output"] = str(out)
    if cluster is not None:
        given["cluster"] = {"address": cluster}
    summary = make_baseline(parse_recipe(content | given, BaselineRecipe, str(recipe)))
    say(summary.as_text(), summary.to_json(), as_json)
