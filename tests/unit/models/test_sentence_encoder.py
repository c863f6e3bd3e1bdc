import shutil
from itertools import islice

import numpy as np
import pytest

from georay.core.clue_files import read_clue_texts
from georay.curation.weighting import agreement_with_published, weights_from_clues
from georay.errors import ModelUnavailable
from georay.locatability.weights import WeightSettings
from georay.models import sentence_encoder
from georay.models.sentence_encoder import WEIGHTS_SHA256, SentenceEncoder, offline_folder

pytest.importorskip(sentence_encoder.OFFLINE_PACKAGE, reason="extra `offline` not installed")


@pytest.fixture(scope="module")
def encoder():
    return SentenceEncoder()


def test_sentences_become_unit_vectors_whose_products_mean_likeness(encoder):
    road, lane, cake = encoder.encode(["a country road", "a rural lane", "chocolate cake"])
    assert np.linalg.norm([road, lane, cake], axis=1) == pytest.approx(1, abs=1e-5)
    assert road @ lane > road @ cake + 0.2
    assert road.dtype == np.float32


def test_the_id_names_the_verified_weights(encoder):
    assert encoder.id.endswith(f"all-MiniLM-L6-v2@{WEIGHTS_SHA256[:12]}")


def test_tampered_weights_are_refused_before_they_are_loaded(tmp_path, monkeypatch):
    shutil.copytree(offline_folder(), tmp_path / "package" / "model")
    weights = tmp_path / "package" / "model" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    monkeypatch.setattr(sentence_encoder.resources, "files", lambda _: tmp_path / "package")
    with pytest.raises(ModelUnavailable, match=r"SHA-256 differs.*--force-reinstall"):
        SentenceEncoder()


def test_an_absent_model_says_what_to_install(tmp_path):
    with pytest.raises(ModelUnavailable, match=r"georay\[offline\]"):
        SentenceEncoder(str(tmp_path / "absent"))


def agreement(shared, encoder, number):
    texts = read_clue_texts(shared("data/clues/guidebook_clues.csv"))
    return agreement_with_published(
        weights_from_clues(islice(texts, number), encoder, WeightSettings(), "guidebook")
    )


def test_a_sample_of_real_clues_already_points_to_the_published_weights(shared, encoder):
    found = agreement(shared, encoder, 200)
    assert found.spearman > 0.5
    assert found.pearson > 0.5


@pytest.mark.slow
def test_real_clues_come_as_close_to_the_published_weights_as_was_asked(shared, encoder):
    found = agreement(shared, encoder, None)
    assert found.spearman >= 0.70
    assert found.pearson >= 0.74
