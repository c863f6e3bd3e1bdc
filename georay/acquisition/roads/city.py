"""The sampling points of one city: extract and boundary in, rows of the points table out."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from georay.acquisition.roads.boundary import (
    Boundary,
    boundary_around,
    boundary_of_area,
    boundary_of_file,
)
from georay.acquisition.roads.drivable import ROAD_CLASSES
from georay.acquisition.roads.extract import RoadWays, read_road_ways, unheard
from georay.acquisition.roads.network import Network, build_network, clip, cut_one_ways
from georay.acquisition.roads.projection import LocalPlane, bearings, centre_of, wrapped
from georay.acquisition.roads.relations import NamedArea, find_area
from georay.acquisition.roads.sampling import Sampled, sample
from georay.config.points import CityRecipe, PointsRecipe
from georay.core.fetched import local_copy
from georay.core.gazetteer import Gazetteer
from georay.core.geo import distance_km
from georay.core.manifest import digest
from georay.core.tables import POINTS

_DEGREE_DECIMALS = 7  # OpenStreetMap's own resolution, about a centimetre
_SAME_TOWN_KM = 100.0


@dataclass(frozen=True)
class CityPoints:
    """What one city gave. `points`: the chosen rows; `left_out`: rows that `count` was too small
    for. `boundary` is None for a whole extract."""

    points: pa.Table
    left_out: pa.Table
    network: Network
    boundary: Boundary | None
    facts: dict[str, object]


def sample_city(
    city: CityRecipe, recipe: PointsRecipe, on_read: Callable[[int], None] = unheard
) -> CityPoints:
    """The points of one city of a recipe.

    Raises ValueError if the extract or the boundary cannot be used, or no road lies within.
    """
    started = time.monotonic()
    extract = local_copy(city.extract)
    boundary, found = _boundary(city, extract)
    classes = recipe.road_classes or ROAD_CLASSES
    ways = read_road_ways(extract, classes, boundary.box() if boundary else None, on_read)
    network = _network(ways, boundary, extract)
    rows = _rows(network, sample(network, recipe.interval_m))
    named = _named(rows, city, found, network.plane)
    points, left_out = choose(named, city.count or recipe.count, recipe.seed)
    facts: dict[str, object] = {
        "area": boundary.says if boundary else f"all of {extract.name}",
        "same_name": [other.title for other in found.others] if found else [],
        "road_km": round(float(network.lengths.sum()) / 1000, 3),
        "num_ways": len(np.unique(network.road_of)),
        "num_incomplete_ways": ways.num_incomplete,
        "num_points": named.num_rows,
        "num_in_gaps": int(pc.sum(pc.equal(named["placed"], "gap")).as_py() or 0),
        "num_chosen": points.num_rows,
        "seconds": round(time.monotonic() - started, 2),
    }
    return CityPoints(points, left_out, network, boundary, facts)


def choose(points: pa.Table, count: int | None, seed: int) -> tuple[pa.Table, pa.Table]:
    """`count` rows at random and the rest, both in the table's order.

    A hash of seed and point_id decides alone: whatever the order of the rows, the same points are
    chosen, and a larger count adds to those of a smaller one.
    """
    if count is None or count >= points.num_rows:
        return points, points.slice(0, 0)
    ranks = [
        blake2b(f"{seed}:{point_id}".encode(), digest_size=8).digest()
        for point_id in points["point_id"].to_pylist()
    ]
    chosen = np.zeros(points.num_rows, dtype=bool)
    chosen[sorted(range(len(ranks)), key=ranks.__getitem__)[:count]] = True
    return points.filter(pa.array(chosen)), points.filter(pa.array(~chosen))


def _boundary(city: CityRecipe, extract: Path) -> tuple[Boundary | None, NamedArea | None]:
    if city.boundary is not None:
        return boundary_of_file(local_copy(city.boundary)), None
    if city.around is not None:
        assert city.radius_km is not None
        return boundary_around(*city.around, city.radius_km), None
    if city.city is None:
        return None, None
    found = find_area(extract, city.city)
    return boundary_of_area(found.area, found.relation.title), found


def _network(ways: RoadWays, boundary: Boundary | None, extract: Path) -> Network:
    where = boundary.says if boundary else str(extract)
    if not ways.roads:
        raise ValueError(f"no drivable road in {where}: is it the right extract ({extract})?")
    plane = boundary.plane if boundary else LocalPlane(*centre_of(ways.degrees))
    network = build_network(ways, plane)
    if boundary is not None:
        network = clip(network, boundary)
    if not len(network.segments):
        raise ValueError(f"no drivable road in {where}: is it the right extract ({extract})?")
    return cut_one_ways(network)


def _rows(network: Network, sampled: Sampled) -> pa.Table:
    """The points table without city and country; of points at one place the first is kept."""
    start, end = (network.degrees[network.segments[sampled.segment, side]] for side in (0, 1))
    share = sampled.share[:, None]
    places = np.round(start * (1 - share) + end * share, _DEGREE_DECIMALS)
    places[:, 0] = np.round(wrapped(places[:, 0]), _DEGREE_DECIMALS)
    roads = [network.roads[road] for road in network.road_of[sampled.segment].tolist()]
    ids = [digest("point", longitude, latitude) for longitude, latitude in places.tolist()]
    table = pa.table(
        {
            "point_id": ids,
            "city": pa.nulls(len(ids), pa.string()),
            "country": pa.nulls(len(ids), pa.string()),
            "latitude": places[:, 1],
            "longitude": places[:, 0],
            "road_class": [road.road_class for road in roads],
            "heading_road": np.round(bearings(start, end), 2) % 360.0,
            "road_name": pa.array([road.name or road.ref for road in roads], pa.string()),
            "way_id": [road.way_id for road in roads],
            "road": sampled.road,
            "offset_m": np.round(sampled.offset, 3),
            "placed": np.where(sampled.is_regular, "interval", "gap"),
        },
        schema=POINTS,
    )
    _, first = np.unique(np.array(ids), return_index=True)
    return table.take(pa.array(np.sort(first))).sort_by(
        [("road", "ascending"), ("offset_m", "ascending")]
    )


def _named(
    rows: pa.Table, city: CityRecipe, found: NamedArea | None, plane: LocalPlane
) -> pa.Table:
    """The rows with city and country: those named, or else of each point's nearest town."""
    gazetteer = Gazetteer.load()
    country = _country(city, gazetteer)
    if city.city is None:
        places = zip(rows["latitude"].to_pylist(), rows["longitude"].to_pylist(), strict=True)
        towns = [gazetteer.nearest(*place) for place in places]
        cities = [town.name for town in towns]
        countries = [country or town.country for town in towns]
    else:
        name, code = _town(city.city, country, found, plane, gazetteer)
        cities, countries = [name] * rows.num_rows, [code] * rows.num_rows
    return rows.set_column(1, "city", pa.array(cities, pa.string())).set_column(
        2, "country", pa.array(countries, pa.string())
    )


def _country(city: CityRecipe, gazetteer: Gazetteer) -> str | None:
    if city.country is None:
        return None
    code = gazetteer.country(city.country)
    if code is None:
        raise ValueError(f"{city.country!r} is no country's name or code")
    return code


def _town(
    name: str,
    country: str | None,
    found: NamedArea | None,
    plane: LocalPlane,
    gazetteer: Gazetteer,
) -> tuple[str, str]:
    """(name, alpha-2 code) of the city: the gazetteer's where it knows it near here."""
    if found is not None:
        name = found.relation.names[0] if name.strip().isdigit() else name
        country = country or gazetteer.country(found.relation.country)
    nearest = gazetteer.nearest(plane.latitude, plane.longitude)
    town = gazetteer.resolve(name, country or nearest.country)
    if town is not None:
        apart = distance_km(town.latitude, town.longitude, plane.latitude, plane.longitude)
        if apart <= _SAME_TOWN_KM:
            return town.name, country or town.country
    return name, country or nearest.country
