import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from georay.core.geo import EARTH_RADIUS_KM, distance_km

LATITUDES = st.floats(-90, 90)
LONGITUDES = st.floats(-180, 180)
PARIS, NEW_YORK = (48.8566, 2.3522), (40.7128, -74.0060)


@pytest.mark.parametrize(("formula", "expected"), [("haversine", 5837.24), ("geodesic", 5852.93)])
def test_paris_to_new_york_is_as_far_as_the_formula_says(formula, expected):
    assert distance_km(*PARIS, *NEW_YORK, formula) == pytest.approx(expected, abs=0.05)


def test_a_quarter_and_a_half_of_the_globe():
    quarters = distance_km(0, 0, [0, 90, 0], [90, 0, 180]) / EARTH_RADIUS_KM
    assert quarters == pytest.approx(np.array([0.5, 0.5, 1.0]) * np.pi)


def test_a_meridian_of_the_ellipsoid_is_not_a_circle():
    along_equator, to_pole = distance_km(0, 0, [0, 90], [90, 0], "geodesic")
    assert along_equator == pytest.approx(10018.754, abs=0.001)
    assert to_pole == pytest.approx(10001.966, abs=0.001)


def test_the_other_side_of_the_globe_is_half_a_circle_away():
    """At some of these rounding makes the half chord longer than the radius."""
    latitudes = np.linspace(-90, 90, 20_001)
    distances = distance_km(latitudes, -30.0, -latitudes, 150.0)
    assert distances == pytest.approx(np.pi * EARTH_RADIUS_KM, abs=1e-3)


def test_arrays_broadcast_and_keep_their_shape():
    distances = {
        formula: distance_km([[0.0], [60.0]], [[0.0], [0.0]], [0.0, 0.0], [1.0, 2.0], formula)
        for formula in ("haversine", "geodesic")
    }
    for found in distances.values():
        assert found.shape == (2, 2) and found.dtype == np.float64
    degree = np.pi / 180 * EARTH_RADIUS_KM
    assert distances["haversine"][0] == pytest.approx([degree, 2 * degree])
    assert distances["geodesic"][0] == pytest.approx([111.319, 222.639], abs=1e-3)
    assert distance_km(0, 0, 0, 1).shape == ()


def test_the_haversine_is_what_one_asks_for_by_saying_nothing():
    assert distance_km(0, 0, 90, 0) == distance_km(0, 0, 90, 0, "haversine")
    assert distance_km(0, 0, 90, 0) != distance_km(0, 0, 90, 0, "geodesic")


def test_the_date_line_is_no_wall():
    assert distance_km(0, 179.99, 0, -179.99) == pytest.approx(2.224, abs=0.001)


@pytest.mark.parametrize("formula", ["haversine", "geodesic"])
def test_without_a_coordinate_there_is_no_distance(formula):
    distances = distance_km([np.nan, 1.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0], formula)
    assert np.isnan(distances[0]) and distances[1] == 0


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_distances_are_symmetric_bounded_and_within_a_percent_of_the_ellipsoid(a, b, c, d):
    there = distance_km(a, b, c, d)
    assert there == pytest.approx(distance_km(c, d, a, b), abs=1e-6)
    assert 0 <= there <= np.pi * EARTH_RADIUS_KM + 1e-6
    assert there == pytest.approx(distance_km(a, b, c, d, "geodesic"), rel=0.01, abs=1e-6)


@settings(max_examples=60)
@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_distances_agree_with_geopy_and_pyproj(
    latitude, longitude, other_latitude, other_longitude
):
    from geopy.distance import EARTH_RADIUS, great_circle
    from pyproj import Geod

    ends = latitude, longitude, other_latitude, other_longitude
    sphere = great_circle(ends[:2], ends[2:]).km / EARTH_RADIUS * EARTH_RADIUS_KM
    assert distance_km(*ends) == pytest.approx(sphere, abs=1e-3)
    metres = Geod(ellps="WGS84").inv(longitude, latitude, other_longitude, other_latitude)[2]
    assert distance_km(*ends, "geodesic") == pytest.approx(metres / 1000, abs=1e-6)
