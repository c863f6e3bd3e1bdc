"""A local metric plane around a city: metres east and north of its centre."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod, Proj
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]

FARTHEST_KM = 1_500.0
"""Within it the plane's scale is right to 1 % in every direction (azimuthal equidistant)."""

_WGS84 = Geod(ellps="WGS84")
# Straight lines of a map are bent in the plane; a vertex every 0.05 degrees keeps them to metres.
_DENSE_DEGREES = 0.05


@dataclass(frozen=True)
class LocalPlane:
    """Azimuthal equidistant projection about a centre; knows no antimeridian."""

    latitude: float
    longitude: float

    @cached_property
    def _projection(self) -> Proj:
        return Proj(proj="aeqd", lat_0=self.latitude, lon_0=self.longitude, ellps="WGS84")

    def to_metres(self, degrees: Floats) -> Floats:
        """[N, 2] of longitude, latitude to [N, 2] of metres east, north.

        Raises ValueError if a place lies farther than FARTHEST_KM from the centre.
        """
        x, y = self._projection(degrees[:, 0], degrees[:, 1])
        metres = np.stack([x, y], axis=1)
        if len(metres) and np.hypot(x, y).max() > FARTHEST_KM * 1000:
            raise ValueError(
                f"the area reaches farther than {FARTHEST_KM:,.0f} km from its centre: name a "
                "smaller boundary (--city, --boundary, or --around with --radius)"
            )
        return metres

    def to_degrees(self, metres: Floats) -> Floats:
        """[N, 2] of metres east, north to [N, 2] of longitude, latitude."""
        return np.stack(self._projection(metres[:, 0], metres[:, 1], inverse=True), axis=1)

    def area_to_metres(self, area: BaseGeometry) -> BaseGeometry:
        """A polygon in degrees (longitudes may pass 180) in metres."""
        dense = shapely.segmentize(area, _DENSE_DEGREES)
        return shapely.make_valid(shapely.transform(dense, self.to_metres))


def centre_of(degrees: Floats) -> tuple[float, float]:
    """(latitude, longitude) of the middle of points on the sphere, [N, 2] longitude, latitude."""
    theta, phi = np.radians(degrees[:, 0]), np.radians(degrees[:, 1])
    flat = np.cos(phi)
    x, y, z = (flat * np.cos(theta)).mean(), (flat * np.sin(theta)).mean(), np.sin(phi).mean()
    return float(np.degrees(np.arctan2(z, np.hypot(x, y)))), float(np.degrees(np.arctan2(y, x)))


def bearings(start: Floats, end: Floats) -> Floats:
    """Degrees clockwise from north, in [0, 360), from points to points, [N, 2] lon, lat."""
    azimuth, _, _ = _WGS84.inv(start[:, 0], start[:, 1], end[:, 0], end[:, 1])
    return np.asarray(azimuth, dtype=np.float64) % 360.0


def unwrapped(longitude: Floats, about: float) -> Floats:
    """Longitudes moved by whole turns to within 180 degrees of `about`."""
    return (longitude - about + 180.0) % 360.0 - 180.0 + about


def wrapped(longitude: Floats) -> Floats:
    """Longitudes in [-180, 180)."""
    return (longitude + 180.0) % 360.0 - 180.0
