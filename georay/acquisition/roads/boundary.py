"""The area to sample points in: a polygon file, a circle, or a relation of the extract."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon, shape
from shapely.geometry.base import BaseGeometry

from georay.acquisition.roads.extract import Box
from georay.acquisition.roads.projection import LocalPlane, centre_of, unwrapped

_CIRCLE_SIDES_PER_QUARTER = 32
_POLYGON_SUFFIXES = (".geojson", ".json", ".poly")


@dataclass(frozen=True)
class Boundary:
    """An area in the plane around its centre. `says` is what a person may read of it."""

    plane: LocalPlane
    area: BaseGeometry
    says: str

    def box(self) -> Box:
        """The degrees between which the area lies, a little widened."""
        dense = shapely.segmentize(self.area, self.area.length / 100)
        degrees = self.plane.to_degrees(shapely.get_coordinates(dense))
        longitude = unwrapped(degrees[:, 0], self.plane.longitude)
        margin = 0.01
        return Box(
            about=self.plane.longitude,
            west=float(longitude.min()) - margin,
            south=float(degrees[:, 1].min()) - margin,
            east=float(longitude.max()) + margin,
            north=float(degrees[:, 1].max()) + margin,
        )


def boundary_of_area(area: BaseGeometry, says: str) -> Boundary:
    """A boundary from polygons in degrees. Raises ValueError if they enclose nothing."""
    degrees = shapely.get_coordinates(area)
    if area.is_empty or not len(degrees) or not np.isfinite(degrees).all():
        raise ValueError(f"{says} encloses no area")
    if (np.abs(degrees[:, 1]) > 90).any() or (np.abs(degrees[:, 0]) > 360).any():
        raise ValueError(f"{says} is not in degrees: longitude first, then latitude (WGS 84)")
    plane = LocalPlane(*centre_of(degrees))
    metres = plane.area_to_metres(area)
    if metres.area <= 0:
        raise ValueError(f"{says} encloses no area")
    return Boundary(plane, metres, says)


def boundary_around(latitude: float, longitude: float, radius_km: float) -> Boundary:
    """A circle. Raises ValueError off the globe."""
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ValueError(f"{latitude},{longitude} is no latitude and longitude in degrees")
    centre = shapely.Point(0.0, 0.0)
    circle = centre.buffer(radius_km * 1000, quad_segs=_CIRCLE_SIDES_PER_QUARTER)
    says = f"{radius_km:g} km around {latitude:g}, {longitude:g}"
    return Boundary(LocalPlane(latitude, longitude), circle, says)


def boundary_of_file(path: Path) -> Boundary:
    """The polygons of a GeoJSON or .poly file as one area. Raises ValueError if there are none."""
    suffix = path.suffix.lower()
    if suffix not in _POLYGON_SUFFIXES:
        raise ValueError(f"{path} is no boundary: give one of {', '.join(_POLYGON_SUFFIXES)}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as problem:
        raise ValueError(f"cannot read the boundary {path}: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise ValueError(f"the boundary {path} is not text") from problem
    area = poly_area(text, path) if suffix == ".poly" else geojson_area(text, path)
    return boundary_of_area(area, f"the boundary {path}")


def geojson_area(text: str, path: Path) -> BaseGeometry:
    """All polygons of a GeoJSON text. Raises ValueError naming the file if that fails."""
    try:
        geometries = [shape(geometry) for geometry in _geometries(json.loads(text))]
    except (ValueError, TypeError, KeyError, AttributeError, shapely.GEOSException) as problem:
        raise ValueError(f"the boundary {path} is no GeoJSON: {problem}") from problem
    polygons = [g for g in geometries if isinstance(g, Polygon | MultiPolygon)]
    if not polygons:
        raise ValueError(f"the boundary {path} has no polygon: draw an area, not a line or a point")
    return MultiPolygon([part for g in polygons for part in getattr(g, "geoms", [g])])


def _geometries(content: Any) -> list[Any]:
    kind = content["type"]
    if kind == "FeatureCollection":
        return [g for feature in content["features"] for g in _geometries(feature)]
    if kind == "Feature":
        return [] if content["geometry"] is None else _geometries(content["geometry"])
    if kind == "GeometryCollection":
        return [g for geometry in content["geometries"] for g in _geometries(geometry)]
    return [content]


def poly_area(text: str, path: Path) -> BaseGeometry:
    """The area of a .poly file (Osmosis polygon format): rings, `!` before those cut out.

    Raises ValueError naming the file and line that cannot be read.
    """
    outer: list[Polygon] = []
    holes: list[Polygon] = []
    ring: list[tuple[float, float]] | None = None
    is_hole = False
    for number, line in enumerate(text.splitlines()[1:], start=2):
        words = line.split()
        if not words:
            continue
        if words == ["END"]:
            if ring is not None:
                (holes if is_hole else outer).append(_ring(ring, path, number))
            ring = None
        elif ring is None:
            ring, is_hole = [], words[0].startswith("!")
        else:
            ring.append(_vertex(words, path, number))
    if not outer:
        raise ValueError(f"the boundary {path} has no ring: see the Osmosis polygon format")
    return shapely.union_all(outer).difference(shapely.union_all(holes))


def _vertex(words: list[str], path: Path, number: int) -> tuple[float, float]:
    try:
        longitude, latitude = map(float, words)
    except ValueError:
        raise ValueError(
            f"line {number} of the boundary {path} is no longitude and latitude: {' '.join(words)}"
        ) from None
    return longitude, latitude


def _ring(vertices: list[tuple[float, float]], path: Path, number: int) -> Polygon:
    if len(vertices) < 3:
        raise ValueError(f"the ring before line {number} of {path} has fewer than three corners")
    return shapely.make_valid(Polygon(vertices))


def joined_rings(
    lines: list[NDArray[np.float64]], inner: list[NDArray[np.float64]]
) -> BaseGeometry | None:
    """The area within lines that together form rings, less that of inner rings.

    lines, inner: each [N, 2] of longitude, latitude. None if a ring stays open.
    """
    area = _polygons(lines)
    holes = _polygons(inner) if inner else Polygon()
    return None if area is None or holes is None else area.difference(holes)


def _polygons(lines: list[NDArray[np.float64]]) -> BaseGeometry | None:
    about = float(lines[0][0, 0])
    drawn = [
        shapely.LineString(np.stack([unwrapped(line[:, 0], about), line[:, 1]], axis=1))
        for line in lines
    ]
    noded = shapely.union_all(drawn)
    polygons, cuts, dangles, invalid = shapely.polygonize_full(shapely.get_parts(noded))
    if not polygons.geoms or cuts.geoms or dangles.geoms or invalid.geoms:
        return None
    return shapely.union_all(list(polygons.geoms))
