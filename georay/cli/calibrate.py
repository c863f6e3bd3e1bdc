"""The verb `calibrate`: how sure a model is, fitted on places that it never saw."""

from pathlib import Path
from typing import Annotated

import typer

from georay.cli.output import AsJson, local_path, say
from georay.cli.recipes import Settings, given, split_recipe


def calibrate(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="RECIPE|SAMPLES",
            help="What `georay samples` wrote: its validation places are asked about. A recipe, "
            "YAML, may come first.",
            show_default=False,
        ),
    ],
    model: Annotated[
        str | None, typer.Option(help="The model that adapters lie above.", show_default="tiny")
    ] = None,
    adapters: Annotated[
        str | None,
        typer.Option(
            help="Folder of the trained adapters; `none` takes the bare model.",
            show_default="those of the package",
        ),
    ] = None,
    scenes: Annotated[
        Path | None,
        typer.Option(
            parser=local_path,
            help="The drawn scenes that the pictures are: at most one in twenty-five of those with "
            "a clue is called unsure, instead of the right answers.",
        ),
    ] = None,
    familiarity: Annotated[
        bool,
        typer.Option(
            "--familiarity", help="Also keep what the pictures look like, to know others from them."
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=local_path, help="Folder to write to.", show_default="beside the adapters"
        ),
    ] = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Make confidence mean what it says, and choose from where on an answer is sure.

    Writes calibration.json beside the adapters, where every way of answering finds it.

    Example: georay calibrate runs/samples --adapters runs/tuned/adapters
    """
    from georay.config.calibrate import CalibrateRecipe
    from georay.config.load import laid_over
    from georay.evaluation.calibrating import calibrate as run

    recipe, samples = split_recipe(arguments, None)
    options = {
        "samples": samples,
        "model": model,
        "adapters": adapters,
        "scenes": scenes,
        "familiarity": True if familiarity else None,
        "output": out,
    }
    summary = run(laid_over(recipe, CalibrateRecipe, given(options), settings or ()))
    say(summary.as_text(), summary.to_json(), as_json)
