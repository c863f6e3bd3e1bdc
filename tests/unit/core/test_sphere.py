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


def test_a_single_point_is_nearest_to_every_place() -> None:
    index = NearestOnSphere(np.array([12.0]), np.array([34.0]))
    assert [index.nearest(*spot) for spot in ((12, 34), (-12, -146), (90, 0))] == [0, 0, 0]


def test_neighbours_in_every_direction_are_found_across_the_sides_of_cubes() -> None:
    """Each point is asked for from a little beside it, farther than any other lies from there."""
    generator = np.random.default_rng(5)
    points = everywhere(generator, 3000)
    index = NearestOnSphere(points[:, 0], points[:, 1])
    for row, (latitude, longitude) in enumerate(points[:1000]):
        spot = np.array([latitude + 0.01 * (-1) ** row, longitude + 0.01 * (-1) ** (row // 2)])
        assert index.nearest(*spot) == great_circle(points, spot).argmin()


def test_a_search_looks_at_the_cubes_around_and_not_at_every_point() -> None:
    looked_at: list[int] = []

    class Counted(np.ndarray):
        def __matmul__(self, other: NDArray[np.float64]) -> NDArray[np.float64]:
            looked_at.append(len(self))
            return np.asarray(self) @ other

    generator = np.random.default_rng(7)
    index = NearestOnSphere(generator.uniform(45, 50, 20_000), generator.uniform(5, 10, 20_000))
    index._points = index._points.view(Counted)
    for _ in range(100):
        index.nearest(generator.uniform(46, 49), generator.uniform(6, 9))
    assert len(looked_at) <= 100 * 9 and max(looked_at) < 2_000


def test_of_many_points_at_one_spot_the_first_is_found() -> None:
    """In the gazetteer's order, and whatever the processor's way of sorting."""
    latitudes, longitudes = np.full(400, 48.2), np.full(400, 16.4)
    latitudes[::2] = 58.2
    index = NearestOnSphere(latitudes, longitudes)
    assert index.nearest(58.2, 16.4) == 0
    assert index.nearest(48.2, 16.4) == 1


def test_many_spots_have_the_points_that_each_has_alone() -> None:
    generator = np.random.default_rng(5)
    points, spots = everywhere(generator, 5_000), everywhere(generator, 300)
    index = NearestOnSphere(points[:, 0], points[:, 1])
    rows = index.nearest_of_each(spots[:, 0], spots[:, 1])
    assert rows.tolist() == [index.nearest(*spot) for spot in spots]
