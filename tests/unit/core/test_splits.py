import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from georay.config.samples import SplitRecipe
from georay.core.gazetteer import Gazetteer
from georay.core.splits import Spot, Unusable, fraction, place_of, split_of

BY_POINT, BY_CITY = SplitRecipe(), SplitRecipe(by="city")
LATITUDES, LONGITUDES = st.floats(-90, 90), st.floats(-180, 180)
PARIS = Gazetteer.load().resolve("Paris", "FR")


def cell(latitude, longitude, recipe=BY_POINT):
    return place_of(Spot("i", None, latitude, longitude), recipe)


def test_photographs_of_one_sampling_point_share_a_place_and_the_next_village_does_not():
    assert cell(48.85661, 2.35222) == cell(48.85663, 2.35219)
    assert cell(48.85661, 2.35222) != cell(48.95, 2.35222)


@pytest.mark.parametrize(
    ("latitude", "km_per_degree"), [(0.0, 111.19), (60.0, 55.6), (80.0, 19.31)]
)
@pytest.mark.parametrize("side_km", [0.5, 1.0, 5.0])
def test_cells_are_as_wide_as_high_at_any_latitude(latitude, km_per_degree, side_km):
    recipe = SplitRecipe(cell_km=side_km)
    steps = np.linspace(0, 1, 2000, endpoint=False)
    eastwards = {cell(latitude, 20 + step, recipe) for step in steps}
    northwards = {cell(latitude + step, 20, recipe) for step in steps}
    assert len(eastwards) == pytest.approx(km_per_degree / side_km, abs=2)
    assert len(northwards) == pytest.approx(111.19 / side_km, abs=2)


@given(LATITUDES, LONGITUDES)
def test_a_turn_around_the_globe_ends_in_the_same_cell(latitude, longitude):
    eighth = round(longitude * 8) / 8  # exact in binary, so that no rounding moves it
    assert cell(latitude, eighth) == cell(latitude, eighth - 360 if eighth > 0 else eighth + 360)


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(90, 0), (-90, 180), (89.9999, -180), (0, 180)]
)
def test_the_ends_of_the_globe_have_cells(latitude, longitude):
    assert cell(latitude, longitude).startswith("cell 1 km ")


@pytest.mark.parametrize("latitude", [91, -90.5, float("nan"), float("inf")])
def test_coordinates_off_the_globe_are_unusable(latitude):
    with pytest.raises(Unusable, match="no latitude and longitude") as caught:
        cell(latitude, 0)
    assert caught.value.kind == "bad coordinates"


def test_without_coordinates_the_town_is_the_place_and_without_a_town_the_picture():
    assert place_of(Spot("a", PARIS, None, None), BY_POINT) == f"town {PARIS.geoname_id}"
    assert place_of(Spot("a", PARIS, 48.8, None), BY_POINT) == f"town {PARIS.geoname_id}"
    assert place_of(Spot("a", None, None, None), BY_POINT) == "picture a"


def test_by_city_the_coordinates_do_not_matter_and_the_town_must_be_known():
    here, there = Spot("a", PARIS, 48.80, 2.3), Spot("b", PARIS, 48.95, 2.4)
    assert place_of(here, BY_CITY) == place_of(there, BY_CITY)
    assert place_of(here, BY_POINT) != place_of(there, BY_POINT)
    with pytest.raises(Unusable, match="needs the picture's town"):
        place_of(Spot("c", None, 48.8, 2.3), BY_CITY)


def test_places_fall_into_splits_by_their_shares():
    recipe = SplitRecipe(validation=0.2, test=0.3)
    splits = [split_of(f"place {n}", recipe) for n in range(4000)]
    assert splits.count("test") / 4000 == pytest.approx(0.3, abs=0.03)
    assert splits.count("validation") / 4000 == pytest.approx(0.2, abs=0.03)


def test_a_larger_test_share_keeps_the_test_places_and_another_seed_chooses_anew():
    places = [f"place {n}" for n in range(500)]
    small = {p for p in places if split_of(p, SplitRecipe(test=0.1)) == "test"}
    large = {p for p in places if split_of(p, SplitRecipe(test=0.4)) == "test"}
    other = {p for p in places if split_of(p, SplitRecipe(test=0.4, seed=1)) == "test"}
    assert small < large
    assert 0 < len(large & other) < min(len(large), len(other))


def test_no_share_is_no_place():
    recipe = SplitRecipe(validation=0, test=0)
    assert {split_of(f"place {n}", recipe) for n in range(300)} == {"train"}


@given(st.text(), st.text())
def test_fractions_depend_on_the_parts_alone_and_lie_below_one(first, second):
    assert fraction(first, second) == fraction(first, second)
    assert 0 <= fraction(first, second) < 1
    if "\0" not in first:
        assert fraction(first + "a", second) != fraction(first, "a" + second)
