"""A small example worked out by hand, and what must hold for any table of predictions."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from georay.core.tables import PREDICTIONS, rows_to_table
from georay.errors import TableMismatch
from georay.evaluation.intervals import f1_of_counts
from georay.evaluation.metrics import Measuring, PredictionsFile, evaluate, evaluate_file

KM = 360 / (2 * np.pi * 6371)  # degrees of a meridian
SOURCE = PredictionsFile("predictions.parquet", "0" * 64)
VIENNA = {
    "true_country": "AT", "true_city": "Vienna", "true_latitude": 48.2, "true_longitude": 16.37,
}  # fmt: skip


def answer(country=None, city=None, north_km=None, status="answered"):
    """An answer about a picture of Vienna, placed so many kilometres north of it."""
    place = {"latitude": None, "longitude": None}
    if north_km is not None:
        place = {"latitude": 48.2 + north_km * KM, "longitude": 16.37}
    return VIENNA | {"status": status, "country": country, "city": city} | place


# Country: 8 of 10 effective, 6 right. City: 7 effective, 3 right.
BY_HAND = [
    answer("AT", "Vienna", 0.5),
    answer("AT", "Wien", 20),
    answer("AT", "Beč", 24.9),
    answer("AT", "Graz", 140),
    answer("AT", None),
    answer("AT", "Atlantis"),
    answer("HU", "Budapest", 215),
    answer("US", "Vienna", 7000),
    answer(status="refused"),
    answer(status="unparseable"),
]


def table_of(rows):
    named = [{"image_id": f"i{n}", "model": "m"} | row for n, row in enumerate(rows)]
    return rows_to_table(named, PREDICTIONS)


def evaluated(rows, measuring=None):
    return evaluate(table_of(rows), SOURCE, measuring)


def test_countries_are_counted_as_by_hand():
    country = evaluated(BY_HAND).country
    assert (country.num_images, country.num_effective, country.num_correct) == (10, 8, 6)
    assert country.accuracy.value == 6 / 8
    assert country.recall.value == 8 / 10
    assert country.f1.value == pytest.approx(0.774194, abs=1e-6)
    assert country.accuracy_over_all.value == 6 / 10
    assert (country.accuracy.low, country.accuracy.high) == pytest.approx(
        (0.4093, 0.9285), abs=5e-5
    )


def test_towns_are_compared_as_places_so_other_spellings_are_right_and_namesakes_wrong():
    city = evaluated(BY_HAND).city
    assert (city.num_images, city.num_effective, city.num_correct) == (10, 7, 3)
    assert city.accuracy.value == 3 / 7
    assert city.accuracy_over_all.value == 3 / 10


def test_shares_by_distance_are_told_of_all_images_and_of_those_located():
    found = evaluated(BY_HAND).distances
    assert [one.threshold_km for one in found] == [1, 25, 200, 750, 2500]
    assert [one.of_all.value for one in found] == [0.1, 0.3, 0.4, 0.5, 0.5]
    assert [one.of_located.value for one in found] == [1 / 6, 3 / 6, 4 / 6, 5 / 6, 5 / 6]


def test_beside_them_stands_what_the_best_town_name_could_reach():
    far_out = {"true_latitude": -47.0, "true_longitude": -130.0}  # the South Pacific
    rows = [answer("AT", "Vienna", 0), answer("AT", "Vienna", 0) | far_out]
    assert [one.best_by_name.value for one in evaluated(rows).distances][1:4] == [0.5] * 3


@pytest.mark.parametrize(("within", "expected"), [("<=", 1.0), ("<", 0.0)])
def test_a_distance_equal_to_the_threshold_counts_as_asked(within, expected):
    here = {"true_latitude": 48.2, "true_longitude": 16.37}
    measuring = Measuring(within=within, thresholds_km=(0.0,))
    (one,) = evaluated([answer("AT", "Vienna", 0) | here], measuring).distances
    assert one.of_all.value == expected


def test_the_geodesic_and_the_haversine_can_disagree_about_a_threshold():
    rows = [answer("AT", "Vienna", 750 - 0.2)]
    by_formula = {
        formula: evaluated(rows, Measuring(formula=formula)).distances[3].of_all.value
        for formula in ("haversine", "geodesic")
    }
    assert by_formula == {"haversine": 1.0, "geodesic": 0.0}


def test_a_place_that_an_abstaining_locator_did_not_name_is_no_answer():
    found = evaluated([answer("AT", "Vienna", 0, status="abstained")])
    assert found.country.recall.value == found.city.recall.value == 0
    assert found.num_located == 0
    assert found.statuses == {"abstained": 1}


def test_without_a_single_effective_answer_accuracy_is_undefined_and_recall_zero():
    found = evaluated([answer(status="refused")] * 3)
    for level in (found.country, found.city):
        assert level.accuracy.value is None
        assert (level.recall.value, level.f1.value, level.accuracy_over_all.value) == (0, 0, 0)
    assert found.distances[0].of_located.value is None
    assert found.distances[0].of_all.value == 0
    assert " - " in found.as_text()


def test_images_without_truth_are_left_out_of_a_level_and_counted():
    unknown = dict.fromkeys(VIENNA)
    found = evaluated([answer("AT", "Vienna", 0), answer("AT", "Vienna", 0) | unknown])
    assert (found.country.num_images, found.country.num_without_truth) == (1, 1)
    assert (found.city.num_images, found.city.num_without_truth) == (1, 1)
    assert (found.num_images, found.num_placed) == (2, 1)
    assert "1 more have no true city" in found.as_text()


def test_a_country_may_stand_as_a_name_or_as_a_code():
    assert evaluated([answer("Österreich") | {"true_country": "AUT"}]).country.num_correct == 1


def test_no_rows_give_no_figures_and_no_failure():
    found = evaluated([])
    assert found.country.recall.value is None
    assert found.distances[0].best_by_name.value is None
    assert "0 images" in found.as_text()


def test_figures_name_the_file_that_they_came_from(tmp_path):
    path = tmp_path / "answers.parquet"
    pq.write_table(table_of(BY_HAND), path)
    found = evaluate_file(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    name = "/".join([*path.parts[-3:-1], "answers.parquet"])
    assert (found.source.name, found.source.sha256) == (name, sha256), "runs differ by folder"
    assert sha256 in found.as_text()
    assert str(tmp_path) not in found.as_text()
    written = json.loads(json.dumps(found.to_json()))
    assert written["source"] == {"name": name, "sha256": sha256, "unused": []}
    assert written["country"]["accuracy"]["value"] == 0.75


BY_HAND_AS_TEXT = f"""\
Predictions: predictions.parquet (SHA-256 {"0" * 64})
10 images: 8 answered, 1 refused, 1 unparseable

          images  accuracy (effective)    recall                  F1                      accuracy (all images)
country       10  0.7500 [0.409, 0.929]   0.8000 [0.490, 0.943]   0.7742 [0.532, 0.947]   0.6000 [0.313, 0.832]
city          10  0.4286 [0.158, 0.750]   0.7000 [0.397, 0.892]   0.5316 [0.000, 0.771]   0.3000 [0.108, 0.603]

within          of 10 images            of 6 located            best by any town's name
<= 1 km         0.1000 [0.018, 0.404]   0.1667 [0.030, 0.564]   1.0000 [0.722, 1.000]
<= 25 km        0.3000 [0.108, 0.603]   0.5000 [0.188, 0.812]   1.0000 [0.722, 1.000]
<= 200 km       0.4000 [0.168, 0.687]   0.6667 [0.300, 0.903]   1.0000 [0.722, 1.000]
<= 750 km       0.5000 [0.237, 0.763]   0.8333 [0.436, 0.970]   1.0000 [0.722, 1.000]
<= 2500 km      0.5000 [0.237, 0.763]   0.8333 [0.436, 0.970]   1.0000 [0.722, 1.000]
Distance of those located: median 82.4 [0.5, 7,000] km, mean 1,233 [0, 4,199] km.
Geoscore: 2,378 [586, 4,169] of all, 3,963 [1,931, 5,000] of those located.
In brackets 95 % intervals (Wilson; F1: bootstrap). Distances: haversine."""  # noqa: E501


def test_the_text_shows_every_figure_of_both_levels():
    assert evaluated(BY_HAND).as_text() == BY_HAND_AS_TEXT


def test_the_text_says_how_distances_were_counted_and_what_had_no_truth():
    rows = [answer("AT", "Vienna", 0), answer("AT", "Vienna", 0) | dict.fromkeys(VIENNA)]
    how = Measuring(formula="geodesic", within="<", thresholds_km=(2.5,))
    lines = evaluated(rows, how).as_text().splitlines()
    assert lines[5] == "        1 more have no true country"
    assert lines[7] == "        1 more have no true city"
    assert lines[9] == "within          of 1 images             of 1 located            " + (
        "best by any town's name"
    )
    assert lines[10].startswith("< 2.5 km        1.0000 [0.207, 1.000]   1.0000 [0.207, 1.000]  ")
    assert lines[-1].endswith("Distances: geodesic.")


def test_without_rows_the_text_has_dashes_and_no_blanks_at_its_ends():
    lines = evaluated([]).as_text().splitlines()
    assert lines[1] == "0 images: no answers"
    assert lines[5] == "city           0  -                       -                       -    " + (
        "                   -"
    )
    assert all(line == line.rstrip() for line in lines)


def test_thousands_are_told_with_commas():
    lines = evaluated([answer(status="refused")] * 1200).as_text().splitlines()
    assert lines[1] == "1,200 images: 1,200 refused"
    assert lines[4].startswith("country    1,200  -  ")
    assert "of 1,200 images" in lines[7] and "of 0 located" in lines[7]
    rows = [answer(status="refused") | dict.fromkeys(VIENNA)] * 1200
    assert "        1,200 more have no true city" in evaluated(rows).as_text()


def test_an_image_is_placed_by_both_its_coordinates_and_located_by_both_of_its_answers():
    half_known = [{"true_latitude": None}, {"true_longitude": None}]
    half_placed = [{"latitude": None}, {"longitude": None}]
    rows = [answer("AT", "Vienna", 0) | less for less in ({}, *half_known, *half_placed)]
    found = evaluated(rows)
    assert (found.num_placed, found.num_located) == (3, 1)
    assert found.distances[0].of_all.value == 1 / 3
    assert found.distances[0].of_located.value == 1


def test_what_the_best_town_name_could_reach_is_measured_by_the_formula_asked_for():
    """The closest town to this spot of the Pacific lies 990.9 or 985.5 km to the south."""
    rows = [answer("AT", "Vienna", 0) | {"true_latitude": 0.0, "true_longitude": -140.0}]
    reached = {
        formula: evaluated(rows, Measuring(formula, thresholds_km=(988.0,)))
        for formula in ("haversine", "geodesic")
    }
    assert reached["haversine"].distances[0].best_by_name.value == 0
    assert reached["geodesic"].distances[0].best_by_name.value == 1


def test_the_seed_is_that_of_the_intervals_of_f1_and_of_nothing_else():
    first, other = evaluated(BY_HAND, Measuring(seed=1)), evaluated(BY_HAND, Measuring(seed=2))
    assert first.city.f1 == f1_of_counts(3, 7, 10, seed=1)
    assert other.city.f1 == f1_of_counts(3, 7, 10, seed=2)
    assert first.city.recall == other.city.recall
    assert (first.measuring.seed, evaluated(BY_HAND).measuring) == (1, Measuring())


def test_a_relative_path_names_a_file_in_full_and_an_absolute_one_by_two_folders(
    tmp_path, monkeypatch
):
    folder = tmp_path / "run" / "of" / "today"
    folder.mkdir(parents=True)
    pq.write_table(table_of(BY_HAND), folder / "answers.parquet")
    monkeypatch.chdir(tmp_path)
    relative = Path("run/of/today/answers.parquet")
    assert evaluate_file(relative).source.name == "run/of/today/answers.parquet"
    assert evaluate_file(relative.absolute()).source.name == "of/today/answers.parquet"


def test_an_image_answered_twice_is_refused():
    table = pa.concat_tables([table_of(BY_HAND), table_of(BY_HAND)])
    with pytest.raises(ValueError, match=r"answers 10 images more than once, such as 'i0'"):
        evaluate(table, SOURCE)


def test_a_table_without_answers_status_is_refused_by_its_column(tmp_path):
    path = tmp_path / "answers.parquet"
    pq.write_table(table_of(BY_HAND).drop_columns(["status"]), path)
    with pytest.raises(TableMismatch, match="'status'"):
        evaluate_file(path)


@pytest.mark.parametrize("content", [None, b"", b"not parquet"])
def test_a_file_that_is_no_table_is_named(tmp_path, content):
    path = tmp_path / "answers.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"cannot read predictions from .*answers\.parquet"):
        evaluate_file(path)


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(["answered", "answered", "refused", "unparseable", "failed"]),
            "country": st.sampled_from([None, "FR", "JP", "US"]),
            "city": st.sampled_from([None, "Paris", "Tokyo", "Tōkyō", "Nowhere at all"]),
            "latitude": st.sampled_from([None, 48.85, 35.69]),
            "longitude": st.sampled_from([2.35, 139.69]),
            "true_country": st.sampled_from([None, "FR", "JP"]),
            "true_city": st.sampled_from([None, "Paris", "Tokyo"]),
            "true_latitude": st.sampled_from([None, 48.86, 35.68]),
            "true_longitude": st.sampled_from([2.34, 139.7]),
        }
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_figures_stay_in_bounds_and_f1_lies_between_accuracy_and_recall(rows):
    found = evaluated(rows)
    for level in (found.country, found.city):
        assert level.num_correct <= level.num_effective <= level.num_images
        assert level.num_images + level.num_without_truth == len(rows)
        for figure in (level.accuracy, level.recall, level.f1, level.accuracy_over_all):
            if figure.value is not None:
                assert 0 <= figure.low <= figure.value + 1e-12
                assert figure.value - 1e-12 <= figure.high <= 1
        if level.accuracy.value is not None:
            low, high = sorted((level.accuracy.value, level.recall.value))
            assert low - 1e-12 <= level.f1.value <= high + 1e-12
            assert level.accuracy_over_all.value == pytest.approx(
                level.accuracy.value * level.recall.value
            )
    shares = [one.of_all.value or 0 for one in found.distances]
    assert shares == sorted(shares)


@settings(max_examples=40, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))
    assert evaluated(shuffled) == evaluated(rows)


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_refusing_everything_gives_recall_zero_whatever_the_rows_hold(rows):
    found = evaluated([row | {"status": "refused"} for row in rows])
    assert found.country.num_effective == found.city.num_effective == found.num_located == 0
    assert (found.country.recall.value or 0) == (found.city.f1.value or 0) == 0
