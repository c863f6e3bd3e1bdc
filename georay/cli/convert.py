"""The verb `convert`: published .bin weights made loadable, and two adapters made one."""

from collections.abc import Iterable
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
    """Make safetensors of a model that was published as .bin shards, once; or one adapter of two.

    Example: georay convert Qwen/Qwen-VL-Chat --out models/qwen-vl-chat, then
    georay locate street.jpg --model models/qwen-vl-chat

    Of the folder that training left its adapters in, it makes their sum, for servers such as vLLM
    that let one adapter act at a time: georay convert runs/train/adapters --out both
    """
    from georay.models.conversion import convert_shards, join_adapters

    if (Path(source) / "reasoning").is_dir():
        names: Iterable[str] = join_adapters(Path(source), out)
    else:
        names = convert_shards(source, out, revision)
    for name in names:
        typer.echo(f"wrote {out / name}")
