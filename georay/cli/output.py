"""Output of verbs, in text or as one JSON object, and the types of their paths."""

import json
from pathlib import Path
from typing import Annotated

import typer

from georay.errors import GeorayError

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def local_path(text: str | Path) -> Path:
    """Parses an argument that is a path here: of `s3://…` Path would make a folder called `s3:`.

    Raises GeorayError, since typer turns a ValueError into a remark on usage.
    """
    from georay.config.load import refuse_uri

    try:
        return Path(refuse_uri(str(text)))
    except ValueError as problem:
        raise GeorayError(str(problem)) from None


def path_or_uri(text: str) -> str:
    """Parses an argument that is a path here or the address of a storage.

    Raises GeorayError, as `local_path` does, for an address that holds a secret.
    """
    from georay.config.load import valid_location

    try:
        return valid_location(str(text))
    except ValueError as problem:
        raise GeorayError(str(problem)) from None


def printable(name: str) -> str:
    """The name of a file with those of its bytes escaped that are no UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()


def say(text: str, facts: object, as_json: bool) -> None:
    """Prints the text, or the facts as JSON, to standard output."""
    typer.echo(json.dumps(facts, indent=1, ensure_ascii=False) if as_json else text)
