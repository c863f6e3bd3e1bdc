"""One thin file a job: it reads a recipe, calls one function, reports and leaves."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from georay.errors import GeorayError

Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe; repeatable."),
]


@contextmanager
def problems_in_a_sentence() -> Iterator[None]:
    """What a user can mend ends the job with its sentence, without a traceback."""
    try:
        yield
    except (GeorayError, ValueError, OSError) as problem:
        raise SystemExit(str(problem)) from problem
