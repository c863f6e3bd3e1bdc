"""Calibration: a fitted line makes confidence mean what it says, and says what is sure."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from georay.models.decoding.calibration import (
    UNSURE_SHARE,
    Calibration,
    expected_calibration_error,
    tempered,
)

WEIGHTS = {"base": "0"}


def drawn(temperature: float, num_pictures: int = 4000) -> tuple[NDArray[np.float64], list[int]]:
    """Scores of a model that is too sure of itself by a factor, and truths drawn from the truth."""
    rng = np.random.default_rng(0)
    honest = tempered(rng.normal(0, 2, (num_pictures, 12)), 1.0)
    truth = [int(rng.choice(12, p=np.exp(row) / np.exp(row).sum())) for row in honest]
    return tempered(honest * temperature, 1.0), truth


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_confidence_is_right_on_other_pictures_too(temperature: float) -> None:
    scores, truth = drawn(temperature)
    calibration = Calibration.fit(scores[::2], truth[::2], WEIGHTS)
    assert calibration.num_pictures == len(truth[::2])
    found = calibration.applied(scores[1::2])
    right = found.argmax(axis=1) == np.array(truth[1::2])
    assert expected_calibration_error(np.exp(found.max(axis=1)), right) < 0.04  # chance: 0.03


def test_two_kinds_of_pictures_are_calibrated_where_one_temperature_cannot() -> None:
    """Half of them show nothing, and a model is too sure of these alone."""
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 20, 4000)
    shows = np.arange(4000) % 2 == 0
    scores = rng.normal(0, 1, (4000, 20))
    scores[np.arange(4000), truth] += np.where(shows, 9.0, 0.0)
    scores *= np.where(shows, 1.0, 1.6)[:, None]
    scores = tempered(scores, 1.0)

    def error_of(found: NDArray[np.float64]) -> float:
        right = found.argmax(axis=1) == truth[2000:]
        return expected_calibration_error(np.exp(found.max(axis=1)), right)

    calibration = Calibration.fit(scores[:2000], truth[:2000], WEIGHTS)
    best = min(error_of(tempered(scores[2000:], one)) for one in np.geomspace(0.5, 5, 30))
    assert error_of(calibration.applied(scores[2000:])) < min(0.03, best)


def test_the_order_stays_and_the_likeliest_has_its_share() -> None:
    scores, truth = drawn(3.0, 200)
    calibration = Calibration.fit(scores, truth, WEIGHTS)
    found = calibration.applied(scores)
    assert (np.argsort(found, axis=1) == np.argsort(scores, axis=1)).all()
    assert np.exp(found).sum(axis=1) == pytest.approx(1)
    odds = np.exp(scores.max(axis=1)) / (1 - np.exp(scores.max(axis=1)))
    wanted = 1 / (1 + np.exp(-calibration.offset) * odds**-calibration.slope)
    assert np.exp(found.max(axis=1)) == pytest.approx(np.maximum(wanted, 1 / 12), abs=1e-3)
    assert calibration.applied(scores[0]) == pytest.approx(found[0])


def test_few_of_the_right_answers_are_called_unsure_and_most_wrong_guesses_are() -> None:
    scores, truth = drawn(1.0)
    calibration = Calibration.fit(scores, truth, WEIGHTS)
    confidence = np.exp(calibration.applied(scores).max(axis=1))
    right = scores.argmax(axis=1) == np.array(truth)
    sure = np.array([calibration.is_sure(float(one)) for one in confidence])
    assert UNSURE_SHARE - 0.002 <= (~sure[right]).mean() <= UNSURE_SHARE
    assert (~sure[~right]).mean() > 2 * UNSURE_SHARE


def test_the_pictures_that_count_can_be_named() -> None:
    scores, truth = drawn(1.0)
    counted = np.arange(len(truth)) % 3 == 0
    calibration = Calibration.fit(scores, truth, WEIGHTS, counted=counted)
    confidence = np.exp(calibration.applied(scores).max(axis=1))
    unsure = confidence[counted] < calibration.sure_from
    assert unsure.sum() == int(UNSURE_SHARE * counted.sum())


def test_who_is_never_right_is_never_sure() -> None:
    scores, _ = drawn(1.0, 40)
    calibration = Calibration.fit(scores, (scores.argmax(axis=1) + 1) % 12, WEIGHTS)
    assert calibration.sure_from == 1.0 and not calibration.is_sure(0.99)
    assert np.exp(calibration.applied(scores).max(axis=1)).max() < 0.2


def test_it_is_of_the_weights_that_it_was_fitted_for_and_of_no_others() -> None:
    made = Calibration.fit(*drawn(2.0, 50), {"reasoning": "a", "location": "b"})
    assert made.is_of({"location": "b", "reasoning": "a"})
    others: list[dict[str, str]] = [{"reasoning": "a"}, {"reasoning": "a", "location": "c"}, {}]
    assert not any(made.is_of(other) for other in others)


@pytest.mark.parametrize("temperature", [3.0, 0.3])
def test_too_sure_or_too_shy_a_model_shows_in_the_error_before(temperature: float) -> None:
    calibration = Calibration.fit(*drawn(temperature), WEIGHTS)
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
    calibration = Calibration.fit(*drawn(0.4), WEIGHTS)
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
    made = Calibration.fit(*drawn(2.0, 50), WEIGHTS)
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
        Calibration.fit(np.zeros((0, 3)), [], WEIGHTS)
    with pytest.raises(ValueError, match="pictures"):
        Calibration.fit(np.zeros((2, 3)), [1], WEIGHTS)
