"""The verb `cities`: the world's cities by rank, class and country."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from georay.cli.output import AsJson, local_path, say

if TYPE_CHECKING:
    import pyarrow as pa


def cities(
    at_least: Annotated[
        str | None,
        typer.Option("--class", help="This class or a better one: alpha++, alpha+, alpha, alpha-."),
    ] = None,
    country: Annotated[
        list[str] | None,
        typer.Option(help="Name or code of a country; may be given more than once."),
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, help="The first so many; the paper took 72.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write .csv, .parquet or .geojson as well.", parser=local_path),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List cities to take street views in, the most connected first (GaWC 2020).

    Rank and class are of the Globalization and World Cities research network (GaWC), for academic
    use with acknowledgement; coordinates and population of GeoNames.

    Example: georay cities --count 72 --out cities.csv
    """
    from georay.acquisition.cities import choose_cities
    from georay.acquisition.table_files import ACKNOWLEDGED, write_table

    chosen = choose_cities(at_least, _codes(country or []), count)
    if not chosen.num_rows:
        raise ValueError("no city of the table is in all of that: loosen --class or --country")
    if out is not None:
        write_table(chosen, out, ACKNOWLEDGED["cities"])
    facts = {"source": "GaWC 2020, 2018; GeoNames", "cities": chosen.to_pylist()}
    if as_json:
        say("", facts, as_json)
        return
    _print(chosen)
    if out is not None:
        typer.echo(f"wrote {out}")


def _codes(names: list[str]) -> set[str]:
    from georay.core.gazetteer import Gazetteer

    gazetteer = Gazetteer.load()
    found = {name: gazetteer.country(name) for name in names}
    unknown = [name for name, code in found.items() if code is None]
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: no country's name or code")
    return {code for code in found.values() if code is not None}


def _print(chosen: "pa.Table") -> None:
    from rich.console import Console
    from rich.table import Table

    shown = Table(box=None, padding=(0, 1))
    for name in ("rank", "city", "country", "class", "connected", "place", "people"):
        shown.add_column(name, no_wrap=True)
    for row in chosen.to_pylist():
        place = "–" if row["latitude"] is None else f"{row['latitude']:.2f}, {row['longitude']:.2f}"
        people = "–" if row["population"] is None else f"{row['population']:,}"
        shown.add_row(
            str(row["rank"]),
            row["city"],
            row["country"] or "–",
            row["gawc_class"] or "–",
            f"{row['connectivity']:.1f} %",
            place,
            people,
        )
    Console().print(shown)
    num_countries = len(set(chosen["country"].to_pylist()) - {None})
    typer.echo(f"{chosen.num_rows:,} cities in {num_countries} countries (GaWC, GeoNames)")
