"""`georay demo`: the whole flow on a drawn world, on any machine, with a report at its end."""

import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from georay.cli.output import local_path
from georay.cli.recipes import Settings, given


def demo(
    recipe: Annotated[
        Path | None,
        typer.Argument(
            metavar="RECIPE",
            parser=local_path,
            help="A recipe of a demo, YAML.",
            show_default="jobs/recipes/demo.yaml, which the package carries",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the drawn scenes and the runs.",
            parser=local_path,
            show_default="runs/demo",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer scenes and steps: minutes instead of ten.")
    ] = False,
    open_report: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the report if there is a screen.")
    ] = True,
    settings: Settings = None,
) -> None:
    """Draw a world, curate it, train both stages on it, and see what they are worth.

    Needs no network, no GPU and no data; the pictures are drawn, not photographs. Stopped
    half-way? Run the same command again: it goes on where it was.
    """
    from georay.config.demo import DemoRecipe
    from georay.config.load import laid_over
    from georay.flow.demo import run_demo
    from georay.flow.drawn import PACKAGED

    if recipe is not None and quick:
        raise ValueError(f"--quick is a recipe too: leave it out, or {recipe}")
    chosen = recipe or PACKAGED / ("demo-quick.yaml" if quick else "demo.yaml")
    options = given({"output": out})
    finished = run_demo(laid_over(chosen, DemoRecipe, options, settings or ()), typer.echo)
    typer.echo(f"{finished.text}\nreport: {finished.report}")
    if open_report and _has_screen():
        webbrowser.open(finished.report.as_uri())


def _has_screen() -> bool:
    screen = sys.platform != "linux" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    return sys.stdout.isatty() and screen
