"""`georay demo`: the whole flow on a drawn world, on any machine, with a report at its end."""

import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

SEED = 7


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the drawn scenes and the run.")] = Path(
        "runs/demo"
    ),
    images: Annotated[int, typer.Option(min=1, help="How many scenes to draw.")] = 600,
    open_report: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the report if there is a screen.")
    ] = True,
) -> None:
    """Draw a world, learn from its clues what matters, and curate its pictures.

    Needs no network, no GPU and no data; the pictures are drawn, not photographs.
    """
    from georay.config.curate import CurateRecipe
    from georay.config.load import parse_recipe
    from georay.curation.run import curate

    scenes = _draw_once(out / f"scenes-{images}", images)
    content = {
        "inputs": [str(scenes / "labels.csv")],
        "output": str(out / f"curation-{images}"),
        "title": f"StreetWorld: {images:,} drawn scenes",
        "weights": {"clues": str(scenes / "clues.parquet")},
    }
    summary = curate(parse_recipe(content, CurateRecipe, "demo"))
    report = (Path(summary.folder) / "report.html").absolute()
    typer.echo(f"{summary.as_text()}\nreport: {report}")
    if open_report and _has_screen():
        webbrowser.open(report.as_uri())


def _draw_once(folder: Path, num_images: int) -> Path:
    """The scenes as files; drawn again only if a drawing was cut short."""
    from georay.runtime.progress import progress
    from georay.streetworld.records import write_folder
    from georay.streetworld.world import StreetWorld

    if not (folder / "clues.parquet").exists():
        with progress("drawing", num_images, "scenes") as meter:
            write_folder(StreetWorld(SEED), num_images, folder, on_drawn=meter.advance)
    return folder


def _has_screen() -> bool:
    screen = sys.platform != "linux" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    return sys.stdout.isatty() and screen
