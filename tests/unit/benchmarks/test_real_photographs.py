"""Photographs whose places are not independent, and what is reached without looking."""

import csv

import numpy as np
import pytest

from benchmarks.real_photographs import Photographs, floors, recipes, share_of_places

COLUMNS = ("image_id", "file", "latitude", "longitude", "country", "city", "place_group")
ROWS = [
    ("a", "images/a.jpg", "43.60", "1.44", "FR", "Toulouse", "toulouse"),
    ("b", "images/b.jpg", "43.60", "1.44", "FR", "Toulouse", "toulouse"),
    ("c", "images/c.jpg", "", "", "IN", "", "single"),
]


@pytest.fixture
def photographs(tmp_path):
    with (tmp_path / "labels.csv").open("w", newline="") as text:
        csv.writer(text).writerows([COLUMNS, *ROWS])
    return Photographs.read(tmp_path)


def test_an_interval_is_wider_where_views_of_one_place_stand_or_fall_together():
    right = np.array([True] * 8 + [False] * 8)
    known = np.ones(16, bool)
    alone = share_of_places(right, known, np.arange(16).astype(str))
    together = share_of_places(right, known, np.array(["p"] * 8 + ["q"] * 8))
    assert alone.value == together.value == 0.5
    assert (together.low, together.high) == (0, 1)
    assert 0.2 < alone.low < alone.high < 0.8


def test_photographs_without_a_place_keep_their_country(photographs):
    assert photographs.places == ("toulouse", "toulouse", "single")
    assert photographs.pictures[2].latitude is None and photographs.pictures[2].city is None
    found = floors(photographs)
    assert found["commonest_country"] == "FR"
    assert found["always_the_commonest"]["value"] == pytest.approx(2 / 3)
    assert found["nearest_towns_name"]["200 km"] == 1.0
    assert 0 < found["a_drawn_country_by_chance"] <= 1 / found["num_drawn_countries"]


def test_systems_that_were_not_trained_are_named_with_what_to_run_first(tmp_path):
    with pytest.raises(ValueError, match=r"streetclip holds no baseline: run benchmarks.baselines"):
        recipes(tmp_path)
