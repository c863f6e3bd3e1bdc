import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from georay.evaluation.intervals import UNDEFINED, Figure, f1, f1_of_counts, share


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [
        (6, 8, 0.4093, 0.9285),
        (8, 10, 0.4902, 0.9433),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (500, 1000, 0.4691, 0.5309),
    ],
)
def test_shares_have_wilsons_interval(count, total, low, high):
    figure = share(count, total)
    assert (figure.value, figure.low, figure.high) == pytest.approx(
        (count / total, low, high), abs=5e-5
    )


def test_a_share_of_nothing_is_undefined_and_not_zero():
    assert share(0, 0) == UNDEFINED
    assert share(0, 0).as_text() == "-"


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share_and_stays_in_bounds(counts):
    figure = share(*counts)
    assert 0 <= figure.low <= figure.value <= figure.high <= 1
    assert figure.low < figure.high


@pytest.mark.parametrize(
    ("accuracy", "recall", "expected"),
    [
        (0.4029, 1.0, 0.5744),  # LLaVA, country
        (0.8917, 0.34, 0.4923),  # GPT-4V, country
        (0.5083, 0.31, 0.3851),  # GPT-4V, city
        (0.5829, 0.95, 0.7225),  # Qwen-VL, country
        (0.3743, 0.89, 0.5270),  # Qwen-VL, city
        (0.8237, 1.0, 0.9033),  # GeoReasoner, country
    ],
)
def test_f1_is_what_the_paper_prints(accuracy, recall, expected):
    assert f1(accuracy, recall) == pytest.approx(expected, abs=1e-4)


def test_without_an_effective_or_a_right_answer_f1_is_zero():
    assert f1(None, 0.0) == 0.0
    assert f1(0.0, 1.0) == 0.0
    assert f1_of_counts(0, 0, 20, seed=0).high == 0.0


def test_the_bootstrap_of_f1_agrees_with_drawing_the_images_themselves():
    num_correct, num_effective, num_images = 60, 80, 100
    outcomes = np.repeat([0, 1, 2], [60, 20, 20])
    drawn = np.random.default_rng(1).choice(outcomes, size=(4000, num_images))
    accuracy = (drawn == 0).sum(axis=1) / (drawn < 2).sum(axis=1)
    recall = (drawn < 2).mean(axis=1)
    low, high = np.quantile(2 * accuracy * recall / (accuracy + recall), (0.025, 0.975))
    figure = f1_of_counts(num_correct, num_effective, num_images, seed=0)
    assert figure.value == pytest.approx(2 * 0.75 * 0.8 / 1.55)
    assert (figure.low, figure.high) == pytest.approx((low, high), abs=0.01)


def test_the_same_seed_gives_the_same_interval_and_more_images_a_narrower_one():
    few, many = f1_of_counts(6, 8, 10, seed=3), f1_of_counts(600, 800, 1000, seed=3)
    assert f1_of_counts(6, 8, 10, seed=3) == few
    assert many.value == few.value
    assert many.high - many.low < (few.high - few.low) / 5


def test_a_figure_is_written_with_its_interval():
    assert share(6, 8).as_text() == "0.7500 [0.409, 0.929]"


def test_draws_without_a_right_answer_have_an_f1_of_zero():
    """One right answer of twenty is missing from a third of the draws."""
    np.full(10_000, 7.0)  # memory that a careless division would leave as it is
    figure = f1_of_counts(1, 1, 20, seed=0)
    assert figure.low == 0
    assert figure.high == pytest.approx(0.261, abs=0.002)
    assert figure.value == pytest.approx(2 / 21)


@pytest.mark.parametrize(("counts", "low", "high"), [((6, 8, 10), 0.532, 0.947), ((0, 0, 9), 0, 0)])
def test_the_interval_of_f1_is_reproduced_to_three_digits(counts, low, high):
    """Published records hold these for the seeds that they name."""
    figure = f1_of_counts(*counts, seed=3)
    assert (figure.low, figure.high) == pytest.approx((low, high), abs=5e-4)


def test_seeds_draw_differently_and_nothing_is_certain_of_no_images():
    assert f1_of_counts(30, 70, 100, seed=1).low != f1_of_counts(30, 70, 100, seed=2).low
    assert f1_of_counts(0, 0, 0, seed=1) == UNDEFINED
    assert f1_of_counts(1, 1, 1, seed=1) == Figure(1.0, 1.0, 1.0)


def test_a_single_image_still_has_an_interval():
    assert share(1, 1) == Figure(1.0, pytest.approx(0.2065, abs=1e-4), 1.0)
    assert share(0, 1) == Figure(0.0, 0.0, pytest.approx(0.7935, abs=1e-4))
