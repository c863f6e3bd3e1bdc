"""The recipe of sampling points: which cities, from which extracts, at what distance."""

from typing import Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from georay.config.cluster import ClusterRecipe
from georay.config.load import Location, Recipe
from georay.core.paths import path_of

POINT_FORMATS = (".parquet", ".csv", ".geojson")


class CityRecipe(Recipe):
    """One area of one OpenStreetMap extract.

    extract: .osm.pbf, .osm, .osm.gz or .osm.bz2. The area is that of `boundary` (GeoJSON or .poly),
    or `radius_km` around `around` (latitude, longitude), or else the administrative relation that
    `city` names, by name or number; without any of them the whole extract.
    city: also what the points' rows say; without it, each point's nearest town.
    country: a name or code, where the gazetteer would take another of the name.
    count: by default that of the recipe.
    """

    extract: Location
    city: str | None = None
    country: str | None = None
    boundary: Location | None = None
    around: tuple[float, float] | None = None
    radius_km: PositiveFloat | None = None
    count: PositiveInt | None = None

    @model_validator(mode="after")
    def _say_one_area(self) -> Self:
        if (self.around is None) != (self.radius_km is None):
            raise ValueError("around (latitude, longitude) and radius_km belong together")
        if self.around is not None and self.boundary is not None:
            raise ValueError("boundary and around exclude each other: name one area")
        return self


class PointsRecipe(Recipe):
    """Sampling points on the roads of cities (paper, section 3.1: every 4,000 m in 72 cities).

    output: a .parquet, .csv or .geojson file; what each city gave lies in a folder beside it.
    interval_m: metres along the roads from point to point. count: at most so many points per city,
    chosen by `seed`. road_classes: values of OpenStreetMap's `highway`; by default every road that
    is for cars, without service ways and tracks.
    """

    output: Location
    cities: tuple[CityRecipe, ...] = Field(min_length=1)
    interval_m: float = Field(default=4000.0, ge=1)
    count: PositiveInt | None = None
    seed: int = 0
    road_classes: tuple[str, ...] | None = None
    cluster: ClusterRecipe = ClusterRecipe()

    @model_validator(mode="after")
    def _write_what_is_known(self) -> Self:
        if path_of(self.output).suffix.lower() not in POINT_FORMATS:
            raise ValueError(f"output must end in {', '.join(POINT_FORMATS)}, not {self.output!r}")
        return self
