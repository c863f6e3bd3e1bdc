"""One coordinate for many candidates: the town with the least expected distance to the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from georay.core.gazetteer import Place
from georay.core.geo import distance_km


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
    distances = distance_km(latitude[:, None], longitude[:, None], latitude, longitude)
    expected = distances @ (weight / weight.sum())
    best = int(expected.argmin())
    return Placing(towns[best], float(expected[best]))
