"""`georay demo`: the whole flow on a drawn world, on any machine, with a report at its end."""

import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from georay.cli.output import local_path


def demo(
    out: Annotated[
        Path,
        typer.Option(
            help="Folder for the drawn scenes and the runs.",
            parser=local_path,
        ),
    ] = Path("runs/demo"),
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer scenes and steps: minutes instead of ten.")
    ] = False,
    open_report: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the report if there is a screen.")
    ] = True,
) -> None:
    """Draw a world, curate it, train both stages on it, and see what they are worth.

    Needs no network, no GPU and no data; the pictures are drawn, not photographs. Stopped
    half-way? Run the same command again: it goes on where it was.
    """
    from georay.flow.demo import FULL, QUICK, run_demo

    finished = run_demo(QUICK if quick else FULL, out, typer.echo)
    typer.echo(f"{finished.text}\nreport: {finished.report}")
    if open_report and _has_screen():
        webbrowser.open(finished.report.as_uri())


def _has_screen() -> bool:
    screen = sys.platform != "linux" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    return sys.stdout.isatty() and screen
