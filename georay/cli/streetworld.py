"""The verb `streetworld`: draws scenes, or the sheet that shows every country."""

from pathlib import Path
from typing import Annotated

import typer

from georay.cli.output import local_path


def streetworld(
    out: Annotated[
        Path,
        typer.Option(
            help="A new folder, or the picture of --contact-sheet.",
            parser=local_path,
        ),
    ],
    images: Annotated[int, typer.Option(help="How many scenes to draw.")] = 600,
    seed: Annotated[int, typer.Option(help="Another seed is another world.")] = 0,
    first: Annotated[int, typer.Option(help="Number of the first scene.")] = 0,
    size: Annotated[int, typer.Option(help="Pixels of a side.")] = 448,
    workers: Annotated[int, typer.Option(help="Processes that draw.")] = 1,
    files: Annotated[
        bool, typer.Option("--files", help="JPEGs and labels.csv instead of Parquet.")
    ] = False,
    contact_sheet: Annotated[
        bool, typer.Option("--contact-sheet", help="One picture of all countries instead.")
    ] = False,
) -> None:
    """Draws a world of street scenes with masks, clues and places; it is not photographs."""
    from georay.core.extras import require_extra

    require_extra("streetworld", "drawing scenes")
    from georay.streetworld.world import StreetWorld

    world = StreetWorld(seed, size)
    if contact_sheet:
        from georay.streetworld.export.contact_sheet import write_contact_sheet

        write_contact_sheet(world, out)
    elif files:
        from georay.streetworld.export.records import write_folder

        write_folder(world, images, out, first)
    else:
        _stream(seed, images, first, size, workers, out)
    typer.echo(f"wrote {out}")


def _stream(seed: int, images: int, first: int, size: int, workers: int, out: Path) -> None:
    from georay.config.cluster import ClusterRecipe
    from georay.runtime.connect import connect
    from georay.streetworld.export.dataset import SceneRange, write_scenes

    with connect(ClusterRecipe()):
        write_scenes(SceneRange(seed, images, first, size), out, workers)
