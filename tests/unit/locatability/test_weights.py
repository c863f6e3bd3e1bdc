import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from georay.locatability.labels import ADE20K_LABELS, LABEL_INDEX, NUM_LABELS
from georay.locatability.weights import (
    ClassWeights,
    WeightSettings,
    class_weights,
    published_weights,
    weights_from_json,
)

SCOPES = ("global", "row", "column")
SIMILARITIES = stn.arrays(
    np.float32, (6, 5), elements=st.integers(-1000, 1000).map(lambda i: i / 1000)
)


def read_by_loops(matrix: np.ndarray, scope: str, threshold: float) -> np.ndarray:
    """Section 3.1 read entry by entry, in double precision."""
    rows, columns = matrix.shape
    kept = np.zeros(matrix.shape)
    for i in range(rows):
        for j in range(columns):
            among = {"global": matrix, "row": matrix[i], "column": matrix[:, j]}[scope]
            low, high = float(among.min()), float(among.max())
            value = (float(matrix[i, j]) - low) / (high - low)
            kept[i, j] = value if value >= threshold else 0.0
    mean = [sum(kept[:, j]) / rows for j in range(columns)]
    return np.array([(value - min(mean)) / (max(mean) - min(mean)) for value in mean])


def similarities(num_clues: int = 40, num_labels: int = 12, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(0.2, 0.15, (num_clues, num_labels)).astype(np.float32)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("scope", SCOPES)
def test_weights_are_the_reading_of_section_3_1(scope, threshold):
    matrix = similarities()
    weights = class_weights([matrix], WeightSettings(scope, threshold))
    np.testing.assert_allclose(weights, read_by_loops(matrix, scope, threshold), atol=1e-12)


def test_scope_and_threshold_matter():
    matrix = similarities()
    made = [
        class_weights([matrix], WeightSettings(scope, threshold))
        for scope in SCOPES
        for threshold in (0.3, 0.7)
    ]
    for i, one in enumerate(made):
        assert not any(np.allclose(one, other, atol=1e-3) for other in made[:i])


def test_the_defaults_are_the_whole_matrix_and_one_half():
    matrix = similarities()
    expected = class_weights([matrix], WeightSettings("global", 0.5))
    np.testing.assert_array_equal(class_weights([matrix]), expected)


def test_a_similarity_at_the_threshold_is_kept():
    matrix = np.array([[0.0, 0.5, 1.0]])
    np.testing.assert_allclose(class_weights([matrix], WeightSettings(threshold=0.5)), [0, 0.5, 1])


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("size", [1, 7, 39])
def test_streamed_blocks_give_what_one_block_gives(scope, size):
    matrix = similarities()
    blocks = [matrix[start : start + size] for start in range(0, len(matrix), size)]
    settings = WeightSettings(scope, 0.4)
    np.testing.assert_allclose(
        class_weights(blocks, settings), class_weights([matrix], settings), atol=1e-12
    )


@given(SIMILARITIES, st.sampled_from(SCOPES), st.floats(0, 0.99))
def test_weights_span_zero_to_one_or_are_refused(matrix, scope, threshold):
    try:
        weights = class_weights([matrix], WeightSettings(scope, threshold))
    except ValueError as problem:
        assert "all values are equal" in str(problem)
        return
    assert weights.shape == (5,)
    assert weights.min() == 0
    assert weights.max() == 1


def test_no_clues_are_refused():
    with pytest.raises(ValueError, match="no clues"):
        class_weights([], WeightSettings("row"))
    with pytest.raises(ValueError, match=r"no clues|all values are equal"):
        class_weights([])


def test_clues_that_do_not_tell_classes_apart_are_refused():
    with pytest.raises(ValueError, match="all values are equal"):
        class_weights([np.full((3, 4), 0.5)])
    same_for_all = np.array([[0.0, 0.0], [1.0, 1.0]])
    with pytest.raises(ValueError, match="all values are equal"):
        class_weights([same_for_all])


@pytest.mark.parametrize(
    ("scope", "threshold", "message"),
    [("rows", 0.5, "global, row, column"), ("row", 1.0, r"\[0, 1\)"), ("row", -0.1, r"\[0, 1\)")],
)
def test_settings_out_of_range_are_refused(scope, threshold, message):
    with pytest.raises(ValueError, match=message):
        WeightSettings(scope, threshold)


def test_the_published_weights_are_the_reference(shared):
    reference = json.loads(shared("reference/locatability.json").read_text())
    published = published_weights()
    np.testing.assert_array_equal(published.values, reference["weights"])
    assert published.values.min() == 0
    assert published.values.max() == 1


def test_a_weights_file_reads_back_as_it_was_written():
    settings = WeightSettings("row", 0.25)
    values = np.random.default_rng(1).random(NUM_LABELS)
    made = ClassWeights(values, "clues.csv", "encoder@1", 12, "ab", settings)
    again = weights_from_json(json.dumps(made.to_json()))
    np.testing.assert_array_equal(again.values, made.values)
    assert again.id == made.id
    assert again.settings == settings
    assert (again.source, again.encoder, again.num_clues) == ("clues.csv", "encoder@1", 12)


def test_labels_in_another_order_keep_their_weights():
    published = published_weights()
    content = {
        "labels": list(reversed(ADE20K_LABELS)),
        "weights": list(reversed(published.values.tolist())),
    }
    np.testing.assert_array_equal(weights_from_json(json.dumps(content)).values, published.values)


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[1, 2]",
        '{"weights": [1]}',
        '{"labels": ["sky"], "weights": [1]}',
        '{"labels": ["sky", "road"], "weights": [1]}',
        json.dumps({"labels": ADE20K_LABELS, "weights": ["high"] * NUM_LABELS}),
    ],
)
def test_a_file_that_holds_no_weights_says_how_to_make_one(text):
    with pytest.raises(ValueError, match="georay weights CLUES --out FILE"):
        weights_from_json(text)


def test_weights_that_are_no_numbers_are_refused():
    values = published_weights().values.copy()
    values[3] = np.nan
    with pytest.raises(ValueError, match="150 finite numbers"):
        replace(published_weights(), values=values)
    with pytest.raises(ValueError, match="150 finite numbers"):
        ClassWeights(np.ones(3), "file")


def test_the_id_of_weights_follows_their_values_alone():
    published = published_weights()
    assert replace(published, source="elsewhere").id == published.id
    assert replace(published, values=1 - published.values).id != published.id


def test_the_published_weights_are_the_authors_and_say_so():
    published = published_weights()
    assert published.id == "053f4733849314ef"
    assert published.values[LABEL_INDEX["road"]] == 1
    assert published.source.startswith("class weights published by the GeoReasoner authors")
    assert (published.encoder, published.num_clues, published.settings) == ("", 0, None)


def test_a_weights_file_holds_labels_weights_and_all_that_made_them():
    values = np.linspace(0, 1, NUM_LABELS)
    made = ClassWeights(values, "clues.csv", "encoder@1", 12, "ab", WeightSettings("row", 0.25))
    assert made.to_json() == {
        "labels": list(ADE20K_LABELS), "weights": values.tolist(), "id": made.id,
        "source": "clues.csv", "encoder": "encoder@1", "num_clues": 12, "clues_hash": "ab",
        "scope": "row", "threshold": 0.25,
    }  # fmt: skip
    assert weights_from_json(json.dumps(made.to_json())).clues_hash == "ab"
    bare = ClassWeights(values, "by hand").to_json()
    assert (bare["scope"], bare["threshold"], bare["num_clues"]) == (None, None, 0)
    assert (bare["encoder"], bare["clues_hash"]) == ("", "")


def test_a_file_of_labels_and_weights_alone_comes_from_a_file():
    content = {"labels": ADE20K_LABELS, "weights": [0.5] * NUM_LABELS}
    read = weights_from_json(json.dumps(content))
    assert (read.source, read.encoder, read.num_clues, read.clues_hash) == ("file", "", 0, "")
    assert read.settings is None


def test_an_id_forgives_rounding_and_nothing_more():
    values = np.linspace(0, 1, NUM_LABELS).round(3)
    made = ClassWeights(values, "a")
    assert ClassWeights(values + 1e-14, "a").id == made.id
    assert ClassWeights(values + 2e-12, "a").id != made.id


def test_a_threshold_of_zero_keeps_everything_and_is_allowed():
    matrix = np.array([[0.0, 0.25, 1.0], [0.5, 0.0, 1.0]])
    assert class_weights([matrix], WeightSettings(threshold=0.0)) == pytest.approx(
        [(0.25 - 0.125) / 0.875, 0, 1]
    )


def test_half_precision_similarities_are_scaled_in_double():
    matrix = similarities().astype(np.float16)
    for scope in SCOPES:
        weights = class_weights([matrix], WeightSettings(scope, 0.3))
        assert weights.dtype == np.float64
        np.testing.assert_allclose(weights, read_by_loops(matrix, scope, 0.3), atol=1e-12)


def test_extremes_are_those_of_all_blocks_whatever_their_signs():
    """Similarities all above or all below zero, the extremes in different blocks."""
    for shift in (-5.0, 5.0):
        matrix = similarities() + np.float32(shift)
        for scope in SCOPES:
            weights = class_weights(np.array_split(matrix, 5), WeightSettings(scope, 0.4))
            np.testing.assert_allclose(weights, read_by_loops(matrix, scope, 0.4), atol=1e-6)


def test_one_flat_row_or_column_is_refused_where_it_is_scaled_alone():
    flat_row, flat_column = similarities(6, 5), similarities(6, 5)
    flat_row[2], flat_column[:, 3] = 0.1, 0.1
    for scope, flat, other in (("row", flat_row, flat_column), ("column", flat_column, flat_row)):
        with pytest.raises(ValueError, match=r"^min-max is undefined: all values are equal"):
            class_weights([flat], WeightSettings(scope, 0.2))
        assert class_weights([other], WeightSettings(scope, 0.2)).max() == 1
        assert class_weights([flat], WeightSettings("global", 0.2)).max() == 1


def test_settings_that_are_refused_are_named():
    with pytest.raises(ValueError, match=r"^scope must be one of .*, not 'rows'$"):
        WeightSettings("rows")
    with pytest.raises(ValueError, match=r"^threshold must be in \[0, 1\), not 1.5$"):
        WeightSettings(threshold=1.5)
    with pytest.raises(ValueError, match=r"in ADE20K order, found shape \(3,\)$"):
        ClassWeights(np.ones(3), "file")
