"""Nearest of many points on a sphere. For a few questions without a tree, which takes its time to
grow: cubes of equal size, and ranges in them."""

from functools import cached_property
from math import cos, floor, radians, sin
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.spatial import KDTree

# Side of a cube, in radii of the sphere: 0.01 is 64 km on the Earth.
_SIDE = 0.01
_CUBES = int(2 / _SIDE) + 3


class NearestOnSphere:
    """Index over points given in degrees; finds the one at the smallest great-circle distance."""

    def __init__(self, latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> None:
        points = _unit_vectors(latitude, longitude)
        cubes = _cube_numbers(points)
        self._order = np.argsort(cubes, kind="stable")
        self._cubes = cubes[self._order]
        self._points = points[self._order]

    def nearest(self, latitude: float, longitude: float) -> int:
        """Row of the nearest point."""
        phi, theta = radians(latitude), radians(longitude)
        x, y, z = cos(phi) * cos(theta), cos(phi) * sin(theta), sin(phi)
        target = np.array((x, y, z))
        # A cube and its neighbours in depth are one range, so 27 cubes are 9 ranges.
        column, row, depth = (floor((axis + 1) / _SIDE) + 1 for axis in (x, y, z))
        centres = (column * _CUBES + row) * _CUBES + depth + _NEIGHBOURS
        starts = self._cubes.searchsorted(centres - 1).tolist()
        stops = self._cubes.searchsorted(centres + 2).tolist()
        best, closest = -1, -2.0
        for start, stop in zip(starts, stops, strict=True):
            if start == stop:
                continue
            cosine = self._points[start:stop] @ target
            top = int(cosine.argmax())
            if cosine[top] > closest:
                best, closest = start + top, float(cosine[top])
        # Outside the 27 cubes every chord is longer than a side.
        if closest < 1 - _SIDE**2 / 2:
            best = int((self._points @ target).argmax())
        return int(self._order[best])

    def nearest_of_each(
        self, latitude: NDArray[np.float64], longitude: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """Row of the point nearest to each of many [number], by a tree that grows once."""
        _, found = self._tree.query(_unit_vectors(latitude, longitude))
        rows: NDArray[np.int64] = self._order[found]
        return rows

    @cached_property
    def _tree(self) -> "KDTree":
        from scipy.spatial import KDTree

        return KDTree(self._points)


def _unit_vectors(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64]
) -> NDArray[np.float64]:
    """[..., 3] points on the unit sphere from degrees."""
    phi, theta = np.radians(latitude), np.radians(longitude)
    flat = np.cos(phi)
    return np.stack([flat * np.cos(theta), flat * np.sin(theta), np.sin(phi)], axis=-1)


def _cube_numbers(points: NDArray[np.float64]) -> NDArray[np.int64]:
    corner = np.floor((points + 1) / _SIDE).astype(np.int64) + 1
    numbers: NDArray[np.int64] = (corner[..., 0] * _CUBES + corner[..., 1]) * _CUBES + corner[
        ..., 2
    ]
    return numbers


_NEIGHBOURS = np.array(
    [(x * _CUBES + y) * _CUBES for x in (-1, 0, 1) for y in (-1, 0, 1)], dtype=np.int64
)
