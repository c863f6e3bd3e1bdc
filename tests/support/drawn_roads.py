"""Road networks drawn in metres around a centre, written as OpenStreetMap extracts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import pyarrow as pa
from pyproj import Geod, Proj

from georay.acquisition.roads.city import sample_city
from georay.config.points import CityRecipe, PointsRecipe

WGS84 = Geod(ellps="WGS84")
Metres = tuple[float, float]


@dataclass(frozen=True)
class Drawn:
    """A way drawn as a line of places in metres east and north of the centre."""

    line: Sequence[Metres]
    tags: Mapping[str, str]
    way_id: int | None = None


def road(*line: Metres, way_id: int | None = None, **tags: str) -> Drawn:
    """A residential road unless its tags say otherwise."""
    return Drawn(line, {"highway": "residential", **tags}, way_id)


@dataclass(frozen=True)
class Relation:
    """An administrative boundary around rings in metres."""

    relation_id: int
    rings: Sequence[Sequence[Metres]]
    tags: Mapping[str, str]


def degrees(places: Sequence[Metres], latitude: float, longitude: float) -> list[Metres]:
    """Longitudes and latitudes of places in metres."""
    plane = Proj(proj="aeqd", lat_0=latitude, lon_0=longitude, ellps="WGS84")
    return [plane(x, y, inverse=True) for x, y in places]


def write_extract(
    path: Path,
    ways: Sequence[Drawn],
    centre: tuple[float, float] = (10.0, 20.0),
    relations: Sequence[Relation] = (),
    backward: bool = False,
) -> Path:
    """Writes OSM XML; places at equal metres are one node. backward: everything in other order."""
    rings = [Drawn(ring, {}, 900_000 + n) for n, ring in enumerate(_rings(relations))]
    drawn = [*ways, *rings]
    places = list(dict.fromkeys(place for way in drawn for place in way.line))
    ids = {place: number + 1 for number, place in enumerate(places)}
    nodes = [
        f'<node id="{ids[place]}" version="1" lat="{y:.7f}" lon="{x:.7f}"/>'
        for place, (x, y) in zip(places, degrees(places, *centre), strict=True)
    ]
    lines = [_way(way, way.way_id or 1000 + n, ids) for n, way in enumerate(drawn)]
    if backward:
        nodes, lines = nodes[::-1], lines[::-1]
    text = "\n".join([*nodes, *lines, *_relations(relations)])
    path.write_text(f'<?xml version="1.0"?>\n<osm version="0.6">\n{text}\n</osm>\n')
    return path


def _rings(relations: Sequence[Relation]) -> list[Sequence[Metres]]:
    return [ring for relation in relations for ring in relation.rings]


def _way(way: Drawn, way_id: int, ids: Mapping[Metres, int]) -> str:
    members = "".join(f'<nd ref="{ids[place]}"/>' for place in way.line)
    return f'<way id="{way_id}" version="1">{members}{_tags(way.tags)}</way>'


def _relations(relations: Sequence[Relation]) -> list[str]:
    written, number = [], 900_000
    for relation in relations:
        members = ""
        for _ in relation.rings:
            members += f'<member type="way" ref="{number}" role="outer"/>'
            number += 1
        tags = {"type": "boundary", "boundary": "administrative", **relation.tags}
        body = members + _tags(tags)
        written.append(f'<relation id="{relation.relation_id}" version="1">{body}</relation>')
    return written


def _tags(tags: Mapping[str, str]) -> str:
    return "".join(f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in tags.items())


def points_of(extract: Path, interval: float, **city: object) -> pa.Table:
    """The chosen points of an extract."""
    one = CityRecipe.model_validate({"extract": str(extract), **city})
    recipe = PointsRecipe(output="points.parquet", cities=(one,), interval_m=interval)
    return sample_city(one, recipe).points


def in_metres(points: pa.Table, centre: tuple[float, float] = (10.0, 20.0)) -> list[Metres]:
    """Places of points in whole metres around the centre, in the table's order."""
    plane = Proj(proj="aeqd", lat_0=centre[0], lon_0=centre[1], ellps="WGS84")
    x, y = plane(points["longitude"].to_numpy(), points["latitude"].to_numpy())
    return [(float(a) + 0.0, float(b) + 0.0) for a, b in np.round(np.stack([x, y], axis=1))]
