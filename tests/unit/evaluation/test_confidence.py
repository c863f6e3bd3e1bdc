"""Calibration and abstaining: by hand, against scikit-learn, and what must always hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged_rows import candidates, judged, outcomes
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from georay.evaluation.confidence import calibration_of, confidences, risk_coverage_of

SHARES = st.floats(0, 1).map(lambda share: round(share, 2))
ANSWERS = st.lists(st.tuples(SHARES, st.booleans()), min_size=1, max_size=60)


def arrays(answers):
    return np.array([c for c, _ in answers], float), np.array([r for _, r in answers], bool)


def test_calibration_by_hand():
    """Two bins: 0.25 on average with 1 of 2 right, 0.95 with 3 of 4 right."""
    confidence = np.array([0.22, 0.28, 0.91, 0.93, 0.97, 0.99])
    right = np.array([True, False, True, True, True, False])
    found = calibration_of(confidence, right)
    assert [(one.low, one.num_answers) for one in found.bins] == [(0.2, 2), (0.9, 4)]
    assert found.expected_error == pytest.approx((2 * 0.25 + 4 * 0.20) / 6)
    assert found.largest_error == pytest.approx(0.25)
    assert found.brier == pytest.approx(brier_score_loss(right, confidence))


def test_a_confidence_on_an_edge_is_in_the_bin_below_and_0_and_1_have_one():
    found = calibration_of(np.array([0.0, 0.1, 0.100001, 1.0]), np.array([True] * 4))
    assert [one.num_answers for one in found.bins] == [2, 1, 1]


@given(ANSWERS)
def test_bins_are_those_of_scikit_learn(answers):
    confidence, right = arrays(answers)
    share, mean = calibration_curve(right, confidence, n_bins=10)
    bins = calibration_of(confidence, right).bins
    assert [one.share_right for one in bins] == pytest.approx(share.tolist())
    assert [one.mean_confidence for one in bins] == pytest.approx(mean.tolist())


@given(ANSWERS)
def test_errors_of_calibration_lie_in_order_between_0_and_1(answers):
    found = calibration_of(*arrays(answers))
    assert 0 <= found.expected_error <= found.largest_error + 1e-12 <= 1 + 1e-12
    assert sum(one.num_answers for one in found.bins) == found.num_answers


def test_what_is_no_probability_is_ranked_but_not_called_calibrated():
    confidence, right = np.array([80.0, 20.0]), np.array([True, False])
    assert calibration_of(confidence, right) is None
    assert risk_coverage_of(confidence, right).aurc == pytest.approx(0.25)
    assert calibration_of(np.array([]), np.array([], bool)) is None
    assert risk_coverage_of(np.array([]), np.array([], bool)) is None


def test_risk_over_coverage_by_hand():
    """Risks 0, 1/2, 1/3, 2/4 after the first, second … answer."""
    found = risk_coverage_of(np.array([0.9, 0.8, 0.7, 0.6]), np.array([1, 0, 1, 0], bool))
    assert found.aurc == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert found.best_aurc == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)
    assert found.curve == ((0.25, 0), (0.5, 0.5), (0.75, pytest.approx(1 / 3)), (1, 0.5))
    steps = [(one.threshold, one.coverage, one.accuracy.value) for one in found.abstaining]
    assert steps[-1] == (0.6, 1.0, 0.5) and steps[0] == (0.9, 0.25, 1.0)


@given(ANSWERS)
def test_answers_of_one_confidence_count_as_all_their_orders_on_average(answers):
    confidence, right = arrays(answers)
    rng, areas = np.random.default_rng(0), []
    for _ in range(300):
        order = np.lexsort((rng.random(len(right)), -confidence))
        wrong = np.cumsum(~right[order])
        areas.append((wrong / np.arange(1, len(right) + 1)).mean())
    spread = np.std(areas) / np.sqrt(300)
    assert risk_coverage_of(confidence, right).aurc == pytest.approx(
        np.mean(areas), abs=5 * spread + 1e-9
    )


@given(ANSWERS, st.randoms(use_true_random=False))
def test_the_order_of_the_answers_does_not_matter(answers, random):
    shuffled = random.sample(answers, len(answers))
    assert risk_coverage_of(*arrays(shuffled)) == risk_coverage_of(*arrays(answers))


@given(ANSWERS)
def test_no_order_beats_the_best_and_all_answers_have_the_plain_risk(answers):
    confidence, right = arrays(answers)
    found = risk_coverage_of(confidence, right)
    assert found.best_aurc <= found.aurc + 1e-12
    assert found.curve[-1] == (1.0, pytest.approx(1 - right.mean()))
    assert found.abstaining[-1].coverage == 1


def test_the_confidence_is_the_given_one_or_that_of_the_answered_candidate():
    rows = [
        {"country": "FR", "confidence": 0.3, "candidates": candidates(("FR", 0.9))},
        {"country": "FR", "candidates": candidates(("IT", 0.6), ("FR", 0.4))},
        {"country": "ES", "candidates": candidates(("IT", 0.6))},
        {"country": "FR"},
        {"country": "FR", "candidates": candidates(("FR", 0.7), ("FR", 0.1))},
    ]
    table = judged(rows)
    found = confidences(table, outcomes(table).country.answer)
    assert found.tolist() == pytest.approx([0.3, 0.4, np.nan, np.nan, 0.7], nan_ok=True)
