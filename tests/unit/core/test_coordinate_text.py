"""Latitudes and longitudes as people write them."""

import pytest

from georay.core.coordinate_text import find_pair, read_degrees


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


@pytest.mark.parametrize(
    "text", ["30°N and 40°N", "10.00 E, 20.00 N", "2019, 12", "90.50, 20.25", "48.85, 180.50", ""]
)
def test_other_numbers_are_no_pair(text):
    assert find_pair(text) is None
