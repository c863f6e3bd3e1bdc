import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap

from georay.evaluation.intervals import UNDEFINED, Figure, mean_of, median_of
from georay.evaluation.placement import geoscore, placement_of

DISTANCES = st.lists(st.floats(0, 20_037), min_size=1, max_size=40).map(np.array)


def test_a_round_is_worth_what_the_formula_says():
    points = geoscore(np.array([0.0, 1492.7, 100.0, np.nan]))
    assert points == pytest.approx([5000, 5000 / np.e, 4676.01, 0], abs=0.01)


def test_images_without_an_answer_get_no_points_and_have_no_distance():
    found = placement_of(np.array([0.0, 1492.7, 3000.0]), 4)
    assert found.mean_km.value == pytest.approx(4492.7 / 3)
    assert found.median_km.value == 1492.7
    points = 5000 + 5000 / np.e + 5000 * np.exp(-3000 / 1492.7)
    assert found.geoscore.value == pytest.approx(points / 4)
    assert found.geoscore_of_located.value == pytest.approx(points / 3)


def test_of_nothing_there_is_no_figure_and_of_one_no_interval():
    found = placement_of(np.array([]), 0)
    assert found.geoscore == found.mean_km == found.median_km == UNDEFINED
    assert found.as_lines() == []
    lone = placement_of(np.array([12.0]), 1)
    assert lone.mean_km == lone.median_km == Figure(12.0, None, None)
    assert lone.as_lines()[0] == "Distance of those located: median 12 km, mean 12 km."


@given(DISTANCES, st.integers(0, 5))
def test_figures_stay_within_what_is_possible(distances, num_unanswered):
    found = placement_of(distances, len(distances) + num_unanswered)
    assert 0 <= found.geoscore.value <= found.geoscore_of_located.value + 1e-9 <= 5000 + 1e-6
    assert distances.min() <= found.median_km.value <= distances.max()
    for figure in (found.geoscore, found.mean_km, found.median_km):
        if figure.low is not None:
            assert 0 <= figure.low <= figure.value + 1e-6 and figure.value - 1e-6 <= figure.high


def test_nearer_answers_score_more():
    distances = np.linspace(0, 20_000, 50)
    assert (np.diff(geoscore(distances)) < 0).all()


def test_the_interval_of_a_mean_is_students():
    figure = mean_of(np.array([1.0, 2.0, 3.0, 4.0]))
    half = 3.18245 * np.std([1, 2, 3, 4], ddof=1) / 2
    assert (figure.low, figure.high) == pytest.approx((2.5 - half, 2.5 + half), abs=1e-4)


@pytest.mark.parametrize(("number", "low", "high"), [(6, 0, 5), (10, 1, 8), (20, 5, 14)])
def test_the_interval_of_a_median_ends_at_values_by_the_binomial(number, low, high):
    """The k that tables of the sign test give for 95 %."""
    figure = median_of(np.arange(number, dtype=float)[::-1])
    assert (figure.low, figure.high) == (low, high)


def test_five_values_are_too_few_for_an_interval_of_their_median():
    assert median_of(np.arange(5.0)) == Figure(2.0, None, None)


def test_the_interval_of_a_median_agrees_with_the_bootstrap_on_many_values():
    values = np.random.default_rng(0).exponential(100, 800)
    figure = median_of(values)
    drawn = bootstrap((values,), np.median, n_resamples=999, rng=1).confidence_interval
    assert (figure.low, figure.high) == pytest.approx((drawn.low, drawn.high), rel=0.05)
