"""The verb `convert`: weights that were published as .bin, made loadable."""

from pathlib import Path
from typing import Annotated

import typer

from georay.cli.output import local_path


def convert(
    source: Annotated[str, typer.Argument(help="A folder, or a hub id.", show_default=False)],
    out: Annotated[
        Path,
        typer.Option(
            help="Folder for the result.",
            show_default=False,
            parser=local_path,
        ),
    ],
    revision: Annotated[
        str | None,
        typer.Option(help="Commit of a hub id; `georay models` lists those it knows."),
    ] = None,
) -> None:
    """Make safetensors of a model that was published as .bin shards, once.

    Example: georay convert Qwen/Qwen-VL-Chat --out models/qwen-vl-chat, then
    georay locate street.jpg --model models/qwen-vl-chat
    """
    from georay.models.conversion import convert_shards

    for name in convert_shards(source, out, revision):
        typer.echo(f"wrote {out / name}")
