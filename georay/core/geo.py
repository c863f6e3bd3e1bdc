"""Distances on the Earth, and the thresholds that the field counts them by."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Formula = Literal["haversine", "geodesic"]

EARTH_RADIUS_KM = 6371.0
THRESHOLDS_KM = (1.0, 25.0, 200.0, 750.0, 2500.0)
"""Street, city, region, country and continent; the paper prints 1, 25 and 750 (section 4.2.4)."""


def distance_km(
    latitude: ArrayLike,
    longitude: ArrayLike,
    other_latitude: ArrayLike,
    other_longitude: ArrayLike,
    formula: Formula = "haversine",
) -> NDArray[np.float64]:
    """Kilometres between points in degrees, whose arrays broadcast against each other.

    haversine: on a sphere of 6371 km. geodesic: on the WGS 84 ellipsoid, up to 0.6 % different and
    about a thousand times slower. Where a coordinate is NaN, so is the distance.
    """
    ends = np.broadcast_arrays(
        *(
            np.asarray(degrees, dtype=np.float64)
            for degrees in (latitude, longitude, other_latitude, other_longitude)
        )
    )
    return _haversine(*ends) if formula == "haversine" else _geodesic(*ends)


def _haversine(
    latitude: NDArray[np.float64],
    longitude: NDArray[np.float64],
    other_latitude: NDArray[np.float64],
    other_longitude: NDArray[np.float64],
) -> NDArray[np.float64]:
    phi, other_phi = np.radians(latitude), np.radians(other_latitude)
    half_chord = (
        np.sin((other_phi - phi) / 2) ** 2
        + np.cos(phi) * np.cos(other_phi) * np.sin(np.radians(other_longitude - longitude) / 2) ** 2
    )
    # Between antipodes rounding makes it 1 + 2e-16, and beyond 1 there is no arc sine.
    angle = np.arcsin(np.sqrt(np.minimum(half_chord, 1)))
    distances: NDArray[np.float64] = 2 * EARTH_RADIUS_KM * angle
    return distances


def _geodesic(
    latitude: NDArray[np.float64],
    longitude: NDArray[np.float64],
    other_latitude: NDArray[np.float64],
    other_longitude: NDArray[np.float64],
) -> NDArray[np.float64]:
    from geographiclib.geodesic import Geodesic

    distances = np.full(latitude.shape, np.nan)
    for at in np.ndindex(latitude.shape):
        ends = (latitude[at], longitude[at], other_latitude[at], other_longitude[at])
        if not np.isnan(ends).any():
            solution = Geodesic.WGS84.Inverse(*map(float, ends), Geodesic.DISTANCE)
            distances[at] = solution["s12"] / 1000
    return distances
