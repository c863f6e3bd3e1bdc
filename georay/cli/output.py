"""How verbs speak: text for people, one JSON object for scripts."""

import json
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def printable(name: str) -> str:
    """The name of a file with those of its bytes escaped that are no UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()


def say(text: str, facts: object, as_json: bool) -> None:
    """Prints the text, or the facts as JSON, to standard output."""
    typer.echo(json.dumps(facts, indent=1, ensure_ascii=False) if as_json else text)
