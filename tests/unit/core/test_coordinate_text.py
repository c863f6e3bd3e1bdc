"""Coordinates as people write them."""

import pytest

from georay.core.coordinate_text import find_pair, read_degrees


@pytest.mark.parametrize(
    ("text", "latitude", "longitude"),
    [
        ("S33°26' W70°39'", -33.4333, -70.65),
        ("S 33.45° W 70.66°", -33.45, -70.66),
        ("N40.7128 W74.0060", 40.7128, -74.006),
        ("40.7128° N, -74.0060", 40.7128, -74.006),
        ("33.8688 South, 151.2093 East", -33.8688, 151.2093),
        ("48 51 24 N 2 21 3 E", 48.8567, 2.3508),
        ("48°51'24\"N2°21'8\"E", 48.8567, 2.3522),
        ("lat: S 33.8, lon: E 151.2", -33.8, 151.2),
        ("Latitude -33.8, Longitude 151.2", -33.8, 151.2),
        ("(-33.8, 151.2)", -33.8, 151.2),
        ("北纬39.90°，东经116.40°", 39.9, 116.4),
        ("55.75° с.ш., 37.62° в.д.", 55.75, 37.62),
        ("19,4326° norte, 99,1332° oeste", 19.4326, -99.1332),
    ],
)
def test_a_pair_is_read_with_its_hemispheres_on_either_side(
    text: str, latitude: float, longitude: float
) -> None:
    assert find_pair(text) == pytest.approx((latitude, longitude), abs=1e-3)


@pytest.mark.parametrize(
    "text", ["30°N and 40°N", "a price of 12345.67 and 10.50", "between 5 and 6", "2.5, 3.5 metres"]
)
def test_other_numbers_are_no_pair(text: str) -> None:
    assert find_pair(text) is None


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("S 33.8", -33.8),
        ("33.8 S", -33.8),
        ("33 degrees 51 minutes South", -33.85),
        ("33°51'24\" S", -33.8567),
    ],
)
def test_one_coordinate_may_have_its_letter_before_or_behind(text: str, degrees: float) -> None:
    assert read_degrees(text, 90) == pytest.approx(degrees, abs=1e-3)
