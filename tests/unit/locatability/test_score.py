import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from georay.locatability.labels import LABEL_INDEX, NUM_LABELS
from georay.locatability.score import Contribution, area_ratio, contributions, locatability
from georay.locatability.weights import published_weights

AREAS = stn.arrays(np.float64, (3, NUM_LABELS), elements=st.floats(0, 1, width=16)).map(
    lambda raw: (raw + 1e-6) / (raw + 1e-6).sum(axis=1, keepdims=True)
)
WEIGHTS = stn.arrays(np.float64, NUM_LABELS, elements=st.floats(0, 1))


@pytest.fixture
def example(shared):
    published = json.loads(shared("reference/locatability.json").read_text())["example"]
    ratio = np.zeros(NUM_LABELS)
    for index, share in published["area_ratio"].items():
        ratio[int(index)] = share
    return ratio, published["locatability"]


def test_the_published_example_scores_what_its_authors_print(example):
    ratio, expected = example
    assert expected == 0.48667102942170887
    assert locatability(ratio[None], published_weights().values)[0] == pytest.approx(
        0.48667102942170887, abs=1e-12
    )


def test_the_contributions_explain_the_whole_score(example):
    ratio, expected = example
    parts = contributions(ratio, published_weights().values)
    assert sum(part.contribution for part in parts) == pytest.approx(expected, abs=1e-12)
    assert [part.contribution for part in parts] == sorted(
        (part.contribution for part in parts), reverse=True
    )
    assert str(parts[0]) == "road 0.36 × 1.00 = 0.364"


def test_classes_that_are_absent_are_not_explained():
    ratio = np.zeros(NUM_LABELS)
    ratio[LABEL_INDEX["sky"]] = 1
    assert [part.label for part in contributions(ratio, np.ones(NUM_LABELS))] == ["sky"]


@given(AREAS, WEIGHTS)
def test_locatability_stays_between_the_smallest_and_the_largest_weight(areas, weights):
    scores = locatability(areas, weights)
    assert scores.shape == (3,)
    assert (scores >= weights.min() - 1e-9).all()
    assert (scores <= weights.max() + 1e-9).all()


@given(AREAS, WEIGHTS)
def test_scoring_many_images_is_scoring_each(areas, weights):
    alone = [locatability(area[None], weights)[0] for area in areas]
    np.testing.assert_allclose(locatability(areas, weights), alone, rtol=0, atol=1e-12)


def test_single_precision_ratios_are_summed_in_double():
    areas = np.full((1, NUM_LABELS), 1 / NUM_LABELS, np.float32)
    scores = locatability(areas, np.ones(NUM_LABELS, np.float32))
    assert scores.dtype == np.float64
    assert scores[0] == pytest.approx(areas.astype(np.float64).sum(), abs=1e-12)


def test_a_score_is_the_sum_of_weight_times_share():
    areas = np.zeros((2, NUM_LABELS))
    areas[0, [3, 7]] = 0.25, 0.75
    areas[1, 3] = 1
    weights = np.zeros(NUM_LABELS)
    weights[[3, 7]] = 0.5, 0.2
    assert locatability(areas, weights) == pytest.approx([0.275, 0.5])


def test_contributions_name_share_and_weight_and_come_largest_first():
    ratio, weights = np.zeros(NUM_LABELS), np.zeros(NUM_LABELS)
    road, sky, wall = (LABEL_INDEX[name] for name in ("road", "sky", "wall"))
    ratio[[road, sky, wall]] = 0.25, 0.5, 0.25
    weights[[road, sky]] = 1.0, 0.1
    assert contributions(ratio, weights) == [
        Contribution("road", 0.25, 1.0),
        Contribution("sky", 0.5, 0.1),
        Contribution("wall", 0.25, 0.0),
    ]


def test_area_ratios_are_the_shares_of_pixels_over_all_classes():
    class_map = np.zeros((3, 4), np.uint8)
    class_map[0] = NUM_LABELS - 1
    class_map[1, :3] = 6
    ratio = area_ratio(class_map)
    assert ratio.shape == (NUM_LABELS,) and ratio.dtype == np.float32
    assert ratio[[0, 6, NUM_LABELS - 1]] == pytest.approx([5 / 12, 3 / 12, 4 / 12])
    assert ratio.sum() == pytest.approx(1)
    assert area_ratio(np.zeros((2, 2), np.uint8)).shape == (NUM_LABELS,)


def test_what_does_not_fit_together_is_told_with_both_shapes():
    told = r"area ratios \(2, 3\) and weights \(4,\) must be \[num_images, num_labels\] and"
    with pytest.raises(ValueError, match=f"^{told}"):
        locatability(np.zeros((2, 3)), np.ones(4))


@pytest.mark.parametrize("shape", [(NUM_LABELS,), (2, NUM_LABELS - 1), (1, 2, NUM_LABELS)])
def test_ratios_over_other_labels_are_refused(shape):
    with pytest.raises(ValueError, match="must be"):
        locatability(np.zeros(shape), np.ones(NUM_LABELS))
