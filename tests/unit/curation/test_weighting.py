import json
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

from georay.config.curate import WeightsRecipe
from georay.curation.weighting import (
    BLOCK_CLUES,
    agreement_with_published,
    resolve_weights,
    weights_from_clues,
)
from georay.locatability.labels import ADE20K_LABELS, NUM_LABELS
from georay.locatability.weights import WeightSettings, class_weights, published_weights


class LetterEncoder:
    """Embeds a sentence by how often it uses each of sixteen letters: small, fast and exact."""

    id = "letters"

    def encode(self, texts: list[str]) -> np.ndarray:
        counts = np.array([[text.count(c) for c in "aeioustrnlcdpmgh"] for text in texts])
        vectors = counts.astype(np.float32) + 0.01
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def sentences(number: int) -> Iterator[str]:
    return (
        f"clue {i}: {ADE20K_LABELS[i % 149]} beside {ADE20K_LABELS[i % 83]}" for i in range(number)
    )


def peak_memory(number: int) -> int:
    tracemalloc.start()
    weights_from_clues(sentences(number), LetterEncoder(), WeightSettings(), "test")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_streamed_clues_give_the_weights_of_one_matrix():
    encoder, texts = LetterEncoder(), list(sentences(2 * BLOCK_CLUES + 17))
    matrix = encoder.encode(texts) @ encoder.encode(list(ADE20K_LABELS)).T
    advanced = []
    made = weights_from_clues(iter(texts), encoder, WeightSettings(), "a.csv", advanced.append)
    np.testing.assert_allclose(made.values, class_weights([matrix]), atol=1e-5)
    assert made.num_clues == sum(advanced) == len(texts)
    assert (made.encoder, made.source, made.settings) == ("letters", "a.csv", WeightSettings())


def test_four_times_the_clues_need_no_more_memory(monkeypatch):
    monkeypatch.setattr("georay.curation.weighting.MOST_KNOWN", 4_000)
    few, many = peak_memory(5_000), peak_memory(20_000)
    assert many < 1.2 * few


def test_a_sentence_that_comes_again_is_embedded_once():
    asked: list[str] = []

    class Counting(LetterEncoder):
        def encode(self, texts: list[str]) -> np.ndarray:
            asked.extend(texts)
            return super().encode(texts)

    texts = list(sentences(300)) * 4
    made = weights_from_clues(texts, Counting(), WeightSettings(), "test")
    assert sorted(asked) == sorted([*ADE20K_LABELS, *sentences(300)])
    alone = LetterEncoder()
    matrix = alone.encode(texts) @ alone.encode(list(ADE20K_LABELS)).T
    np.testing.assert_allclose(made.values, class_weights([matrix]), atol=1e-5)


def test_the_hash_of_clues_follows_the_clues():
    hashes = {
        weights_from_clues(texts, LetterEncoder(), WeightSettings(), "a").clues_hash
        for texts in (["road", "sky"], ["road", "tree"], ["road", "sky"])
    }
    assert len(hashes) == 2


def test_no_clues_are_refused():
    with pytest.raises(ValueError, match=r"no clues|all values are equal"):
        weights_from_clues([], LetterEncoder(), WeightSettings(), "a")


def test_published_weights_agree_with_themselves():
    agreement = agreement_with_published(published_weights())
    assert (agreement.spearman, agreement.pearson) == pytest.approx((1.0, 1.0))


def test_weights_come_from_the_preset_or_a_file(tmp_path):
    assert resolve_weights(WeightsRecipe(), tmp_path / "made.json") is published_weights()
    content = published_weights().to_json() | {"weights": [0.5] * NUM_LABELS}
    (tmp_path / "w.json").write_text(json.dumps(content))
    read = resolve_weights(WeightsRecipe(source=str(tmp_path / "w.json")), tmp_path / "made.json")
    assert set(read.values) == {0.5}
    with pytest.raises(ValueError, match=r"`published` or a file; there is no file .*x\.json"):
        resolve_weights(WeightsRecipe(source="x.json"), tmp_path / "made.json")


def test_weights_made_from_clues_are_not_made_twice(tmp_path, monkeypatch):
    clues, made = tmp_path / "clues.csv", tmp_path / "made.json"
    clues.write_text("clue\nyellow road lines\nred tiled roofs of houses\n")
    choice = WeightsRecipe(clues=str(clues))
    first = resolve_weights(choice, made)

    def encoder_again(*_: object, **__: object) -> None:
        raise AssertionError("the clues were embedded again")

    with monkeypatch.context() as patch:
        patch.setattr("georay.models.sentence_encoder.SentenceEncoder", encoder_again)
        assert resolve_weights(choice, made).id == first.id
        with pytest.raises(AssertionError, match="embedded again"):
            resolve_weights(WeightsRecipe(clues=str(clues), scope="row"), made)
    clues.write_text("clue\npalm trees\nsnow on mountains\n")
    assert resolve_weights(choice, made).id != first.id
