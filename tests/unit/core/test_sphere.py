"""The index of points on a sphere against a search through all of them."""

import numpy as np
from numpy.typing import NDArray

from georay.core.sphere import NearestOnSphere


def everywhere(generator: np.random.Generator, count: int) -> NDArray[np.float64]:
    """[count, 2] latitudes and longitudes, evenly over the sphere."""
    latitude = np.degrees(np.arcsin(generator.uniform(-1, 1, count)))
    return np.stack([latitude, generator.uniform(-180, 180, count)], axis=1)


def great_circle(points: NDArray[np.float64], spot: NDArray[np.float64]) -> NDArray[np.float64]:
    (lat1, lon1), (lat2, lon2) = np.radians(points).T, np.radians(spot)
    half = np.sin((lat2 - lat1) / 2) ** 2
    half += np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return 2 * np.arcsin(np.sqrt(half))


def test_the_nearest_point_is_found_at_every_density() -> None:
    generator = np.random.default_rng(3)
    # Spacings above, about and below the side of a cube.
    for count in (50, 20_000, 60_000):
        points = everywhere(generator, count)
        index = NearestOnSphere(points[:, 0], points[:, 1])
        for spot in everywhere(generator, 200):
            distances = great_circle(points, spot)
            assert distances[index.nearest(*spot)] <= distances.min() + 1e-9


def test_poles_and_the_date_line_are_no_edges() -> None:
    latitudes = np.array([89.9, -89.9, 10.0, 10.0])
    longitudes = np.array([0.0, 90.0, 179.9, -179.0])
    index = NearestOnSphere(latitudes, longitudes)
    assert index.nearest(90, -135) == 0
    assert index.nearest(-90, 0) == 1
    assert index.nearest(10, -179.95) == 2
    assert index.nearest(10, 181.2) == 3
