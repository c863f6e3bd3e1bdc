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
    "text",
    [
        "30°N and 40°N", "a price of 12345.67 and 10.50", "between 5 and 6", "2.5, 3.5 metres",
        "10.00 E, 20.00 N", "2019, 12", "90.50, 20.25", "48.85, 180.50", "",
    ],
)  # fmt: skip
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


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("48.85", 48.85),
        ("48,85", 48.85),
        ("-33.5", -33.5),
        ("−33.5", -33.5),
        ("–33.5", -33.5),
        ("33.5 S", -33.5),
        ("33.5° south", -33.5),
        ("S 33.5", -33.5),
        ("N 33.5", 33.5),
        ("lat 48.85 N", 48.85),
        ("48°30'36\"N", 48.51),
        ("48°30′", 48.5),
        ("48° 36''", 48.01),
        ("48.85 (or so, between 40 and 50)", 48.85),
        ("90", 90.0),
    ],
)
def test_one_latitude_is_read_in_every_notation(text, degrees):
    assert read_degrees(text, 90) == pytest.approx(degrees, abs=1e-12)


@pytest.mark.parametrize("text", ["", "north", "90.01", "-91", "10-20", "10 to 20", "range: 10"])
def test_none_a_range_or_one_beyond_the_limit_is_no_latitude(text):
    assert read_degrees(text, 90) is None


def test_the_limit_is_the_one_asked_for():
    assert read_degrees("120.5 W", 180) == -120.5
    assert read_degrees("180", 180) == 180
    assert read_degrees("180.5", 180) is None


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("it lies at 48.85, 2.35.", (48.85, 2.35)),
        ("-33.86, 151.21", (-33.86, 151.21)),
        ("33.86 S, 151.21 E", (-33.86, 151.21)),
        ("51°30'N 0°6'W", (51.5, -0.1)),
        ("48.85 and 2.35", (48.85, 2.35)),
        ("latitude 1.50 longitude 2.50", (1.5, 2.5)),
        ("90.00, 180.00", (90.0, 180.0)),
        ("100.25, 20.25; 48.85, 2.35", (48.85, 2.35)),
        ("48.85, 200.25; 48.85, 2.35", (48.85, 2.35)),
    ],
)
def test_the_first_possible_pair_of_a_text_is_found(text, pair):
    assert find_pair(text) == pytest.approx(pair, abs=1e-12)
