"""The `georay` command: one verb per step of the flow."""

from typing import Annotated

import typer

import georay
from georay.cli import (
    baseline,
    calibrate,
    cities,
    clues,
    collect,
    convert,
    curate,
    demo,
    doctor,
    evaluate,
    locate,
    models,
    points,
    recipes,
    samples,
    serve,
    streetworld,
    tables,
    train,
)

app = typer.Typer(
    help="Says where a street-level photograph was taken, and why.\n\n"
    "Start with `georay doctor`, then `georay curate FOLDER --out runs/first`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command()(demo.demo)
app.command()(cities.cities)
app.command()(points.points)
app.command()(collect.collect)
app.command()(curate.curate)
app.command()(curate.select)
app.command()(curate.score)
app.command()(curate.weights)
app.command()(clues.clues)
app.command()(samples.samples)
app.command()(train.train)
app.command()(baseline.baseline)
app.command()(calibrate.calibrate)
app.command()(locate.locate)
app.command()(evaluate.predict)
app.command()(evaluate.evaluate)
app.command()(tables.tables)
app.command()(serve.serve)
app.command()(streetworld.streetworld)
app.command()(models.models)
app.command()(recipes.recipe)
app.command()(convert.convert)
app.command()(doctor.doctor)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"georay {georay.__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the command itself."""
