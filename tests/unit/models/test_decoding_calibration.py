"""Calibration: a fitted temperature makes confidence mean what it says."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from georay.models.decoding.calibration import (
    Calibration,
    expected_calibration_error,
    tempered,
)


def drawn(temperature: float, num_pictures: int = 4000) -> tuple[NDArray[np.float64], list[int]]:
    """Scores of a model that is too sure of itself by a factor, and truths drawn from the truth."""
    rng = np.random.default_rng(0)
    honest = tempered(rng.normal(0, 2, (num_pictures, 12)), 1.0)
    truth = [int(rng.choice(12, p=np.exp(row) / np.exp(row).sum())) for row in honest]
    return tempered(honest * temperature, 1.0), truth


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_spoilt_the_scores_is_found(temperature: float) -> None:
    scores, truth = drawn(temperature)
    calibration = Calibration.fit(scores, truth)
    assert calibration.temperature == pytest.approx(temperature, rel=0.06)
    assert calibration.num_pictures == len(truth)
    assert calibration.nll[1] <= calibration.nll[0] + 1e-9
    assert calibration.ece[1] < 0.03


@pytest.mark.parametrize("temperature", [3.0, 0.3])
def test_too_sure_or_too_shy_a_model_shows_in_the_error_before(temperature: float) -> None:
    calibration = Calibration.fit(*drawn(temperature))
    assert calibration.ece[0] > 0.15 > 5 * calibration.ece[1]


def test_the_expected_calibration_error_of_a_known_case() -> None:
    confidence = np.array([0.9, 0.9, 0.9, 0.9, 0.5, 0.5])
    correct = np.array([True, True, False, False, True, False])
    assert expected_calibration_error(confidence, correct) == pytest.approx(4 / 6 * 0.4)
    assert expected_calibration_error(np.ones(3), np.ones(3, dtype=bool)) == 0.0


def test_too_little_confidence_is_an_error_as_too_much_is() -> None:
    right, sure = np.ones(4, dtype=bool), np.full(4, 0.6)
    assert expected_calibration_error(sure, right) == pytest.approx(0.4)
    assert expected_calibration_error(sure, ~right) == pytest.approx(0.6)
    calibration = Calibration.fit(*drawn(0.4))
    assert calibration.ece[0] > 0.15 > 5 * calibration.ece[1]


def test_errors_of_two_bins_do_not_make_up_for_each_other() -> None:
    """Too sure at 0.9, not sure enough at 0.5: right on average, and wrong everywhere."""
    confidence = np.array([0.9, 0.9, 0.5, 0.5])
    correct = np.array([True, False, True, True])
    assert expected_calibration_error(confidence, correct) == pytest.approx((0.8 + 1.0) / 4)


def test_there_are_fifteen_bins_of_equal_width_and_certainty_is_in_the_last() -> None:
    one, other = np.array([14 / 15 + 0.01, 1.0]), np.array([14 / 15 - 0.01, 1.0])
    correct = np.array([False, True])
    assert expected_calibration_error(one, correct) == pytest.approx(one[0] / 2)
    assert expected_calibration_error(other, correct) == pytest.approx(other[0] / 2)
    both_wrong_and_right = np.array([True, False])
    assert expected_calibration_error(one, both_wrong_and_right) == pytest.approx(
        (1.0 - (1 - one[0])) / 2
    )
    assert expected_calibration_error(other, both_wrong_and_right) == pytest.approx(
        ((1 - other[0]) + 1.0) / 2
    )


def test_a_temperature_keeps_the_order_and_the_sum() -> None:
    scores = tempered(np.array([[3.0, 1.0, -2.0]]), 1.0)
    cooler = tempered(scores, 0.3)
    assert np.exp(cooler).sum() == pytest.approx(1)
    assert (np.argsort(cooler) == np.argsort(scores)).all()
    assert cooler.max() > scores.max()


def test_it_is_kept_beside_the_adapters(tmp_path: Path) -> None:
    made = Calibration.fit(*drawn(2.0, 50))
    assert Calibration.find(tmp_path) is None
    made.save(tmp_path)
    assert Calibration.find(tmp_path) == made


@pytest.mark.parametrize("content", ["{", "[]", '{"temperature": 0}', '{"temperature": 2}'])
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "calibration.json").write_text(content)
    with pytest.raises(ValueError, match=r"calibration\.json"):
        Calibration.find(tmp_path)


def test_nothing_to_fit_on_is_refused() -> None:
    with pytest.raises(ValueError, match="pictures"):
        Calibration.fit(np.zeros((0, 3)), [])
    with pytest.raises(ValueError, match="pictures"):
        Calibration.fit(np.zeros((2, 3)), [1])
