"""The verb `points`: sampling points on the roads of an OpenStreetMap extract."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from georay.cli.output import AsJson, local_path, path_or_uri, say
from georay.cli.recipes import RecipeOption, Settings, given, split_recipe

if TYPE_CHECKING:
    from georay.config.points import PointsRecipe


Extract = Annotated[
    str | None,
    typer.Argument(
        metavar="RECIPE|EXTRACT",
        help="A recipe of cities, YAML; or an OpenStreetMap extract: .osm.pbf, .osm, .osm.gz or "
        ".osm.bz2; with --cities also a folder with one for each city, called after it.",
        show_default=False,
    ),
]
Cities = Annotated[
    Path | None,
    typer.Option(
        help="Table that `georay cities --out` wrote: a circle around each city; needs --radius.",
        parser=local_path,
    ),
]
Out = Annotated[
    str | None,
    typer.Option(help="File to write: .parquet, .csv or .geojson.", parser=path_or_uri),
]
City = Annotated[
    str | None, typer.Option(help="Name or number of an administrative boundary in the extract.")
]
Polygon = Annotated[
    str | None,
    typer.Option(
        help="Polygon file, .geojson or .poly; --city then only names.", parser=path_or_uri
    ),
]
Around = Annotated[
    str | None, typer.Option(help="LAT,LON: the middle of a circle; needs --radius.")
]
Radius = Annotated[
    float | None, typer.Option(help="Kilometres around --around, or around each of --cities.")
]
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


def points(
    extract: Extract = None,
    out: Out = None,
    cities: Cities = None,
    city: City = None,
    boundary: Polygon = None,
    around: Around = None,
    radius: Radius = None,
    country: Country = None,
    interval: Interval = None,
    count: Count = None,
    seed: Seed = None,
    settings: Settings = None,
    recipe: RecipeOption = None,
    as_json: AsJson = False,
) -> None:
    """Place sampling points at regular distances along the roads of a city.

    The area is --city, --boundary or --around with --radius; without any of them, the whole
    extract. A dual carriageway counts once, and along the roads no place is farther than the
    interval from a point. Extracts of countries and cities come from any mirror of OpenStreetMap.

    Beside --out lie a JSON file of counts and a folder with a picture (SVG) per city. Several
    cities: --cities, or a recipe that says more of each; they run in parallel on Ray. Stopped
    half-way? Run the same command again: finished cities are not done again.

    Example: georay points liechtenstein.osm.pbf --city Vaduz --interval 500 --out points.parquet

    Example: georay points porto.osm.pbf --around 41.146,-8.611 --radius 2 --out points.geojson

    Example: georay points extracts/ --cities cities.csv --radius 10 --out points.parquet
    """
    from georay.acquisition.roads.make_points import make_points

    path, extracts = split_recipe([] if extract is None else [extract], recipe)
    area = {
        "extract": extracts[0] if extracts else None,
        "city": city,
        "boundary": boundary,
        "around": None if around is None else _place(around),
        "radius_km": radius,
        "country": country,
    }
    options = {"output": out, "interval_m": interval, "count": count, "seed": seed}
    chosen = _recipe(path, cities, given(area), given(options), settings or ())
    summary = make_points(chosen)
    say(summary.as_text(), summary.to_json(), as_json)
    if summary.failures:
        raise typer.Exit(1)


def _recipe(
    path: str | None,
    cities: Path | None,
    area: dict[str, object],
    options: dict[str, object],
    settings: Sequence[str],
) -> "PointsRecipe":
    """The recipe of a file or of the options; a file names its cities itself."""
    from georay.config.load import laid_over
    from georay.config.points import PointsRecipe

    if path is not None:
        if area or cities is not None:
            named = [*area, *(["cities"] if cities is not None else [])]
            raise ValueError(f"the recipe names the cities: leave out {', '.join(named)}, or it")
        return laid_over(path, PointsRecipe, options, settings)
    if "extract" not in area or "output" not in options:
        raise ValueError("give EXTRACT and --out, or a RECIPE; see `georay points --help`")
    areas = [area] if cities is None else _listed(cities, area)
    return laid_over(None, PointsRecipe, {"cities": areas, **options}, settings)


def _listed(cities: Path, area: dict[str, object]) -> list[dict[str, object]]:
    from georay.acquisition.roads.listed import listed_cities

    extract, radius = local_path(str(area["extract"])), area.get("radius_km")
    if others := [name for name in area if name not in ("extract", "radius_km")]:
        raise ValueError(f"{cities} names the cities: leave out {', '.join(others)}, or --cities")
    if not isinstance(radius, float):
        raise ValueError("--cities needs --radius: kilometres around the centre of each city")
    return listed_cities(cities, extract, radius)


def _place(text: str) -> tuple[float, float]:
    try:
        latitude, longitude = map(float, text.split(","))
    except ValueError:
        raise ValueError(
            f"--around takes LAT,LON in degrees, such as 41.15,-8.61; not {text!r}"
        ) from None
    return latitude, longitude
