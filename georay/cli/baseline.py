"""The verb `baseline`: a system that georay is compared with, trained or as published."""

from typing import Annotated

import typer

from georay.cli.output import AsJson, path_or_uri, say
from georay.cli.recipes import Settings, given


def baseline(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A recipe of a baseline, YAML.", show_default=False, parser=path_or_uri
        ),
    ],
    samples: Annotated[
        list[str] | None,
        typer.Option(
            parser=path_or_uri,
            help="Learn from this file or folder instead; may be given more than once.",
        ),
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="Folder of the system instead.", parser=path_or_uri)
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Ray cluster instead: `local`, `auto` or host:port.")
    ] = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Train one of the paper's other systems, such as PlaNet, on the same located pictures.

    Writes a folder that `georay predict RECIPE --model FOLDER` asks. Stopped half-way? Run the same
    command again: it goes on from the last checkpoint.

    Example: georay baseline jobs/recipes/baselines/planet-small.yaml --samples runs/samples
    """
    from georay.config.baselines import BaselineRecipe
    from georay.config.load import laid_over
    from georay.core.extras import require_extra

    require_extra("train", "training")
    from georay.evaluation.baselines.make_baseline import make_baseline

    options = {"samples": samples, "output": out, "cluster": {"address": cluster}}
    summary = make_baseline(laid_over(recipe, BaselineRecipe, given(options), settings or ()))
    say(summary.as_text(), summary.to_json(), as_json)
