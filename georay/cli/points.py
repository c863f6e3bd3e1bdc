"""The verb `points`: sampling points on the roads of an OpenStreetMap extract."""

from pathlib import Path
from typing import Annotated

import typer

from georay.cli.output import AsJson, say


def points(
    extract: Annotated[
        Path | None,
        typer.Argument(
            help="OpenStreetMap extract: .osm.pbf, .osm, .osm.gz or .osm.bz2.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write: .parquet, .csv or .geojson.")
    ] = None,
    city: Annotated[
        str | None,
        typer.Option(help="Name or number of an administrative boundary in the extract."),
    ] = None,
    boundary: Annotated[
        Path | None, typer.Option(help="Polygon file, .geojson or .poly; --city then only names.")
    ] = None,
    around: Annotated[
        str | None, typer.Option(help="LAT,LON: the middle of a circle; needs --radius.")
    ] = None,
    radius: Annotated[float | None, typer.Option(help="Kilometres around --around.")] = None,
    country: Annotated[
        str | None, typer.Option(help="Country of the city, where its name alone misleads.")
    ] = None,
    interval: Annotated[
        float | None,
        typer.Option(help="Metres along a road from point to point.", show_default="4000"),
    ] = None,
    count: Annotated[
        int | None, typer.Option(help="At most so many points per city, chosen at random.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Another seed chooses other points.", show_default="0")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="A recipe of cities; options given here override it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Place sampling points at regular distances along the roads of a city.

    The area is --city, --boundary or --around with --radius; without any of them, the whole
    extract. A dual carriageway counts once, and no road is farther than the interval from a point.
    Beside --out lie a JSON file of counts and a folder with a picture (SVG) per city. Several
    cities, each from its own extract: --recipe; they run in parallel on Ray. Stopped half-way?
    Run the same command again: finished cities are not done again.

    Extracts of countries and cities are offered by several mirrors of OpenStreetMap (ODbL).

    Examples:

        georay points liechtenstein.osm.pbf --city Vaduz --interval 500 --out points.parquet

        georay points porto.osm.pbf --around 41.146,-8.611 --radius 2 --count 100 --out p.geojson
    """
    from georay.acquisition.roads.run import make_points
    from georay.config.load import load_recipe, parse_recipe
    from georay.config.points import PointsRecipe

    area = {
        "extract": None if extract is None else str(extract),
        "city": city,
        "boundary": None if boundary is None else str(boundary),
        "around": None if around is None else _place(around),
        "radius_km": radius,
        "country": country,
    }
    area = {name: value for name, value in area.items() if value is not None}
    if recipe is not None and area:
        raise ValueError(f"--recipe names the cities: leave out {', '.join(area)}, or the recipe")
    if recipe is None and (extract is None or out is None):
        raise ValueError("give EXTRACT and --out, or --recipe FILE; see `georay points --help`")
    content = load_recipe(recipe, PointsRecipe).model_dump(mode="json") if recipe else {}
    given: dict[str, object] = {
        "output": None if out is None else str(out),
        "cities": [area] if area else None,
        "interval_m": interval,
        "count": count,
        "seed": seed,
    }
    content |= {name: value for name, value in given.items() if value is not None}
    source = str(recipe) if recipe else "given by options"
    summary = make_points(parse_recipe(content, PointsRecipe, source))
    say(summary.as_text(), summary.to_json(), as_json)
    if summary.failures:
        raise typer.Exit(1)


def _place(text: str) -> tuple[float, float]:
    try:
        latitude, longitude = map(float, text.split(","))
    except ValueError:
        raise ValueError(
            f"--around takes LAT,LON in degrees, such as 41.15,-8.61; not {text!r}"
        ) from None
    return latitude, longitude
