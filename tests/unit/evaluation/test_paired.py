import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged_rows import countries, judged, outcomes

from georay.evaluation.intervals import bootstrap_mean
from georay.evaluation.metrics import Measuring
from georay.evaluation.paired import holm, mcnemar, paired_tests

TRUTH = ["AT"] * 20


def system(num_right, first=0):
    """Right about `num_right` of 20 images from number `first` on."""
    answers = ["AT" if first <= n < first + num_right else "HU" for n in range(20)]
    return outcomes(countries(TRUTH, answers))


def by_measure(**runs):
    lists = {label: one if isinstance(one, list) else [one] for label, one in runs.items()}
    return {test.measure: test for test in paired_tests(lists, Measuring())}


def test_mcnemars_exact_p_value_by_hand():
    """9 of 10 images in dispute: 2·(1 + 10)/2^10."""
    assert mcnemar(9, 1) == pytest.approx(22 / 1024)
    assert mcnemar(1, 9) == pytest.approx(22 / 1024)
    assert mcnemar(0, 0) == mcnemar(3, 3) == 1.0


def test_two_systems_are_compared_by_the_images_that_one_alone_has_right():
    test = by_measure(a=system(12), b=system(5, first=10))["country"]
    assert (test.first_only, test.second_only, test.num_images) == (10, 3, 20)
    assert test.difference.value == pytest.approx(7 / 20)
    assert test.p_value == pytest.approx(mcnemar(10, 3))
    assert test.difference.low < 7 / 20 < test.difference.high


def test_only_images_with_one_truth_in_both_are_compared():
    first = outcomes(countries(["AT", "FR", None, "JP"], ["AT", "FR", "AT", "JP"]))
    second = outcomes(judged(countries(["AT", "US"], ["HU", "US"])))
    test = by_measure(a=first, b=second)["country"]
    assert (test.num_images, test.first_only) == (1, 1)


def test_without_a_common_image_there_is_no_test():
    other = judged([{"image_id": "another", "true_country": "AT", "country": "AT"}])
    assert by_measure(a=system(3), b=outcomes(other)) == {}
    assert by_measure(a=system(3)) == {}


def test_distances_are_compared_too_and_an_image_without_an_answer_is_not_near():
    here = {"true_latitude": 48.2, "true_longitude": 16.37}
    near = outcomes([here | {"latitude": 48.2, "longitude": 16.37}])
    none = outcomes([here])
    test = by_measure(a=near, b=none)["<= 25 km"]
    assert (test.num_images, test.first_only, test.second_only) == (1, 1, 0)


def test_several_runs_are_averaged_and_have_an_interval_but_no_mcnemar():
    test = by_measure(a=[system(12), system(8)], b=system(5))["country"]
    assert test.difference.value == pytest.approx((12 + 8) / 2 / 20 - 5 / 20)
    assert test.p_value is test.first_only is test.p_adjusted is None


@given(st.lists(st.floats(0, 1), max_size=8))
def test_adjusted_p_values_are_larger_keep_the_order_and_end_at_1(p_values):
    adjusted = holm(p_values)
    assert all(a >= p and a <= 1 for a, p in zip(adjusted, p_values, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(np.array(adjusted)[order]) >= 0).all()


def test_holm_by_hand():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


def test_pairs_of_one_measure_are_adjusted_together():
    found = paired_tests({"a": [system(12)], "b": [system(5)], "c": [system(2)]}, Measuring())
    tests = [test for test in found if test.measure == "country"]
    assert [(one.first, one.second) for one in tests] == [("a", "b"), ("a", "c"), ("b", "c")]
    given = [one.p_value for one in tests]
    assert [one.p_adjusted for one in tests] == pytest.approx(holm(given))


def test_swapping_two_systems_swaps_the_sign_alone():
    one = by_measure(a=system(12), b=system(5, first=10))["country"]
    other = by_measure(b=system(5, first=10), a=system(12))["country"]
    assert one.difference.value == -other.difference.value
    assert one.p_value == other.p_value


def test_the_bootstrap_of_a_difference_agrees_with_drawing_the_images_themselves():
    values = np.repeat([1.0, 0.0, -1.0], [30, 60, 10])
    rng = np.random.default_rng(1)
    drawn = rng.choice(values, size=(4000, 100)).mean(axis=1)
    figure = bootstrap_mean(values, seed=0)
    assert figure.value == pytest.approx(0.2)
    assert (figure.low, figure.high) == pytest.approx(np.quantile(drawn, (0.025, 0.975)), abs=0.02)
    assert bootstrap_mean(values, seed=0) == figure
    assert bootstrap_mean(np.array([]), seed=0).value is None
