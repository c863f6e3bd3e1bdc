"""One coordinate for many candidates: the town with the least expected distance to the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from georay.core.gazetteer import Place

EARTH_RADIUS_KM = 6371.0


@dataclass(frozen=True, slots=True)
class Placing:
    """A town, and how far from it the truth is expected, if the probabilities are right."""

    town: Place
    expected_distance_km: float


def least_expected_distance(towns: Sequence[Place], weights: Sequence[float]) -> Placing:
    """The geometric median on the sphere, restricted to the candidates themselves.

    Restricted, so that it is never in the sea between two coasts: it is always a place that the
    model thinks possible. weights: probability of each town, of any sum above 0.
    """
    weight = np.array(weights, dtype=np.float64)
    if not len(towns) or len(towns) != len(weight) or not (weight >= 0).all() or not weight.sum():
        raise ValueError("expected distances need a weight for every town, and one above 0")
    latitude = np.array([town.latitude for town in towns])
    longitude = np.array([town.longitude for town in towns])
    expected = _distances_km(latitude, longitude) @ (weight / weight.sum())
    best = int(expected.argmin())
    return Placing(towns[best], float(expected[best]))


def _distances_km(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64]
) -> NDArray[np.float64]:
    """[towns, towns] great-circle distances (haversine) from degrees."""
    phi, theta = np.radians(latitude), np.radians(longitude)
    half_chord = (
        np.sin((phi[:, None] - phi) / 2) ** 2
        + np.cos(phi[:, None]) * np.cos(phi) * np.sin((theta[:, None] - theta) / 2) ** 2
    )
    distances: NDArray[np.float64] = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(half_chord.clip(0, 1)))
    return distances
