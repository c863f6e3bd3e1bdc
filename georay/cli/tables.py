"""The verb `tables`: the paper's tables, quoted, beside what was run here."""

from typing import TYPE_CHECKING, Annotated

import typer

from georay.cli.output import AsJson, path_or_uri, say

if TYPE_CHECKING:
    from georay.core.paths import AnyPath
    from georay.evaluation.paper.rows import RowFiles

_NUMBERS = range(1, 7)


def tables(
    rows: Annotated[
        list[str] | None,
        typer.Argument(
            help="Rows that were run here, as TABLE:NAME=FILE: 1:both=runs/both.parquet. Tables 1 "
            "to 4 take predictions (several of one name are runs), Table 5 a training recipe or "
            "run, Table 6 a training run or predictions.",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        list[int] | None, typer.Option(help="Only the table of this number; may be repeated.")
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option(parser=path_or_uri, help="Where the pictures of Tables 1 and 2 were taken."),
    ] = None,
    im2gps: Annotated[
        str | None,
        typer.Option(parser=path_or_uri, help="The test set of Table 3: ids and coordinates."),
    ] = None,
    im2gps3k: Annotated[
        str | None,
        typer.Option(parser=path_or_uri, help="The test set of Table 4: ids and coordinates."),
    ] = None,
    markdown: Annotated[
        str | None, typer.Option(parser=path_or_uri, help="Write the tables here too.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the paper's Tables 1 to 6: what it says, what was run here, what does not fit.

    Example: georay tables 1:both=runs/both.parquet 5:ours=jobs/recipes/train-tiny.yaml
    --im2gps im2gps.csv
    """
    from georay.core.manifest import write_atomic
    from georay.core.paths import path_of
    from georay.evaluation.inputs.truth import read_truth
    from georay.evaluation.metrics import Measuring
    from georay.evaluation.paper.tables import paper_tables

    given = {1: truth, 2: truth, 3: im2gps, 4: im2gps3k}
    truths = {
        number: read_truth(path_of(path)) for number, path in given.items() if path is not None
    }
    found = paper_tables(_wanted(only), _rows(rows or []), truths, Measuring())
    if markdown is not None:
        write_atomic(path_of(markdown), found.as_markdown())
    say(found.as_markdown().rstrip(), found.to_json(), as_json)


def _wanted(only: list[int] | None) -> list[int]:
    wrong = [number for number in only or [] if number not in _NUMBERS]
    if wrong:
        raise ValueError(f"the paper has Tables 1 to 6, and no Table {wrong[0]}")
    return sorted(set(only)) if only else list(_NUMBERS)


def _rows(arguments: list[str]) -> list["RowFiles"]:
    """The rows in the order given; files of one table and name are runs of one row."""
    from georay.core.paths import path_of
    from georay.evaluation.paper.rows import RowFiles

    files: dict[tuple[int, str], list[AnyPath]] = {}
    for argument in arguments:
        table, colon, rest = argument.partition(":")
        name, sign, file = rest.partition("=")
        if not (colon and sign and name and file) or table not in map(str, _NUMBERS):
            raise ValueError(f"{argument!r} is no row: give TABLE:NAME=FILE, such as 1:ours=a.csv")
        files.setdefault((int(table), name), []).append(path_of(path_or_uri(file)))
    return [RowFiles(number, name, tuple(found)) for (number, name), found in files.items()]
