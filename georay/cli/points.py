"""The verb `points`: sampling points on the roads of an OpenStreetMap extract."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from georay.cli.output import AsJson, local_path, say

if TYPE_CHECKING:
    from georay.config.points import PointsRecipe


Extract = Annotated[
    Path | None,
    typer.Argument(
        help="OpenStreetMap extract: .osm.pbf, .osm, .osm.gz or .osm.bz2.", show_default=False
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(help="File to write: .parquet, .csv or .geojson.", parser=local_path),
]
City = Annotated[
    str | None, typer.Option(help="Name or number of an administrative boundary in the extract.")
]
Polygon = Annotated[
    Path | None, typer.Option(help="Polygon file, .geojson or .poly; --city then only names.")
]
Around = Annotated[
    str | None, typer.Option(help="LAT,LON: the middle of a circle; needs --radius.")
]
Radius = Annotated[float | None, typer.Option(help="Kilometres around --around.")]
Country = Annotated[
    str | None, typer.Option(help="Country of the city, where its name alone misleads.")
]
Interval = Annotated[
    float | None, typer.Option(help="Metres along a road from point to point.", show_default="4000")
]
Count = Annotated[
    int | None, typer.Option(help="At most so many points per city, chosen at random.")
]
Seed = Annotated[
    int | None, typer.Option(help="Another seed chooses other points.", show_default="0")
]
RecipeFile = Annotated[
    Path | None, typer.Option(help="A recipe of cities; options given here override it.")
]


def points(
    extract: Extract = None,
    out: Out = None,
    city: City = None,
    boundary: Polygon = None,
    around: Around = None,
    radius: Radius = None,
    country: Country = None,
    interval: Interval = None,
    count: Count = None,
    seed: Seed = None,
    recipe: RecipeFile = None,
    as_json: AsJson = False,
) -> None:
    """Place sampling points at regular distances along the roads of a city.

    The area is --city, --boundary or --around with --radius; without any of them, the whole
    extract. A dual carriageway counts once, and along the roads no place is farther than the
    interval from a point. Extracts of countries and cities come from any mirror of OpenStreetMap.

    Beside --out lie a JSON file of counts and a folder with a picture (SVG) per city. Several
    cities, each from its own extract: --recipe; they run in parallel on Ray. Stopped half-way?
    Run the same command again: finished cities are not done again.

    Example: georay points liechtenstein.osm.pbf --city Vaduz --interval 500 --out points.parquet

    Example: georay points porto.osm.pbf --around 41.146,-8.611 --radius 2 --out points.geojson
    """
    from georay.acquisition.roads.run import make_points

    area: dict[str, object] = {
        "extract": None if extract is None else str(extract),
        "city": city,
        "boundary": None if boundary is None else str(boundary),
        "around": None if around is None else _place(around),
        "radius_km": radius,
        "country": country,
    }
    settings: dict[str, object] = {
        "output": None if out is None else str(out),
        "interval_m": interval,
        "count": count,
        "seed": seed,
    }
    summary = make_points(_recipe(recipe, area, settings))
    say(summary.as_text(), summary.to_json(), as_json)
    if summary.failures:
        raise typer.Exit(1)


def _recipe(
    path: Path | None, area: dict[str, object], settings: dict[str, object]
) -> "PointsRecipe":
    """The recipe file, if any, with the options that were given laid over it."""
    from georay.config.load import load_recipe, parse_recipe
    from georay.config.points import PointsRecipe

    area = {name: value for name, value in area.items() if value is not None}
    given = {name: value for name, value in settings.items() if value is not None}
    if path is not None:
        if area:
            raise ValueError(f"the recipe names the cities: leave out {', '.join(area)}, or it")
        base = load_recipe(path, PointsRecipe).model_dump(mode="json")
        return parse_recipe(base | given, PointsRecipe, str(path))
    if "extract" not in area or "output" not in given:
        raise ValueError("give EXTRACT and --out, or --recipe FILE; see `georay points --help`")
    return parse_recipe({"cities": [area], **given}, PointsRecipe, "given by options")


def _place(text: str) -> tuple[float, float]:
    try:
        latitude, longitude = map(float, text.split(","))
    except ValueError:
        raise ValueError(
            f"--around takes LAT,LON in degrees, such as 41.15,-8.61; not {text!r}"
        ) from None
    return latitude, longitude
