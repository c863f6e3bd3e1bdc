"""The frozen-vision cache: the same loss from vectors that were computed once."""

import copy
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from training_room import small_recipe

from georay.config.tiny import TinyModelRecipe, TinyVisionRecipe
from georay.core.prompts import LOCATION, Conversation, target_answer
from georay.models.adapter_card import LoraSettings
from georay.models.adapters import AdapterStack
from georay.models.families.base import Exchange
from georay.models.families.chat import ChatFamily
from georay.models.families.qwen_vl import QwenVLFamily
from georay.models.families.qwen_vl.tiny import build_tiny
from georay.streetworld.export.records import jpeg_bytes
from georay.training import vision_cache
from georay.training.vision import missing_features
from georay.training.vision_cache import (
    FrozenVision,
    StoreVisionFeatures,
    VisionCache,
    encode_with_vectors,
)

RECIPE = TinyModelRecipe(
    num_words=600,
    cities_per_country=1,
    visual=TinyVisionRecipe(image_size=56, width=96, layers=2, heads=3, n_queries=16),
)
IDS = ["a", "b", "c"]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small tensors lose time to a second thread."""
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def family() -> QwenVLFamily:
    return build_tiny(RECIPE)


@pytest.fixture(scope="module")
def saved(family, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    family.network.save_pretrained(folder)
    family.processor.save_pretrained(folder)
    return folder


def copied(family: QwenVLFamily) -> QwenVLFamily:
    return QwenVLFamily(copy.deepcopy(family.network), family.processor)


def pixels_of(name: str) -> np.ndarray:
    return np.random.default_rng(ord(name)).integers(0, 256, (80, 100, 3), dtype=np.uint8)


def picture(name: str) -> Image.Image:
    return Image.fromarray(pixels_of(name))


def exchange(name: str, city: str) -> Exchange:
    answer = target_answer(LOCATION, country="France", city=city)
    return Exchange((picture(name),), Conversation(LOCATION.question, answer=answer))


@pytest.fixture
def cache(family, tmp_path) -> VisionCache:
    cache = VisionCache(tmp_path, FrozenVision(family, "tiny", None))
    cache.prepare(IDS)
    cache.add(IDS, [picture(name) for name in IDS])
    return cache


def test_loss_and_gradients_are_those_of_the_pixels(family, cache):
    asked = [exchange("a", "Paris"), exchange("c", "Lyon"), exchange("b", "Le Havre")]
    weight = family.network.lm_head.weight

    def learnt(batch):
        family.network.zero_grad()
        loss = family.network(**batch).loss
        loss.backward()
        return loss.item(), weight.grad.clone()

    loss, gradient = learnt(family.encode_for_training(asked))
    vectors = cache.read(["a", "c", "b"])
    batch = encode_with_vectors(family, [one.conversation for one in asked], vectors)
    cached_loss, cached_gradient = learnt(batch)
    assert "pixel_values" not in batch
    assert cached_loss == pytest.approx(loss, abs=1e-5)
    assert torch.allclose(cached_gradient, gradient, atol=1e-5)
    wrong = encode_with_vectors(family, [one.conversation for one in asked], vectors.flip(0))
    assert abs(learnt(wrong)[0] - loss) > 1e-5, "the pictures must matter"


def test_the_size_is_known_before_anything_is_written(family, tmp_path):
    cache = VisionCache(tmp_path, FrozenVision(family, "tiny", None))
    size = cache.prepare(IDS)
    assert not list(tmp_path.rglob("*.safetensors"))
    assert size.num_bytes == 3 * 16 * 256 * 4
    assert "3 images × 16 vectors" in size.as_text()
    cache.add(IDS, [picture(name) for name in IDS])
    written = sum(path.stat().st_size for path in tmp_path.rglob("*.safetensors"))
    assert size.num_bytes <= written < size.num_bytes + 2000
    assert cache.prepare(IDS).num_bytes == 0


def test_a_disk_that_is_too_small_is_refused(family, tmp_path, monkeypatch):
    full = shutil._ntuple_diskusage(10, 9, 1)
    monkeypatch.setattr(vision_cache.shutil, "disk_usage", lambda path: full)
    with pytest.raises(ValueError, match="MB free"):
        VisionCache(tmp_path, FrozenVision(family, "tiny", None)).prepare(IDS)


def test_an_image_that_is_not_there_is_named(cache):
    with pytest.raises(ValueError, match="lacks 1 images, x first"):
        cache.read(["a", "x"])


def test_other_vision_weights_and_revisions_have_a_cache_of_their_own(family, cache, tmp_path):
    changed = copied(family)
    with torch.no_grad():
        changed.network.transformer.visual.conv1.weight.add_(0.01)
    for vision in (FrozenVision(changed, "tiny", None), FrozenVision(family, "tiny", "abc")):
        assert VisionCache(tmp_path, vision).missing(IDS) == IDS
    facts = json.loads((cache.folder / "cache.json").read_text())
    assert facts["model"] == "tiny" and facts["precision"] == "float32"


def test_language_weights_may_change_without_a_new_cache(family, cache, tmp_path):
    same = copied(family)
    with torch.no_grad():
        same.network.lm_head.weight.mul_(2)
    assert VisionCache(tmp_path, FrozenVision(same, "tiny", None)).missing(IDS) == []


def test_the_cache_is_refused_where_vectors_would_not_stay(saved):
    family = QwenVLFamily.from_pretrained(saved)
    stack = AdapterStack(family.network, base="tiny")
    everywhere = LoraSettings(rank=1, alpha=1, dropout=0.0, targets=".*visual.*c_fc")
    stack.add("reasoning", everywhere)
    with pytest.raises(ValueError, match="sits in the vision part"):
        FrozenVision(family, "tiny", None)
    with pytest.raises(ValueError, match="Qwen-VL only"):
        FrozenVision(ChatFamily.__new__(ChatFamily), "other", None)


def test_the_stage_stores_what_can_be_read_and_says_what_cannot(family, saved, tmp_path):
    for name in IDS:
        (tmp_path / f"{name}.jpg").write_bytes(jpeg_bytes(pixels_of(name)))
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    uris = [str(tmp_path / f"{name}.jpg") for name in [*IDS, "bad"]]
    nulls = pa.nulls(len(uris), pa.string())
    table = pa.table({"image_id": [*IDS, "bad"], "uri": uris, "projection": nulls})
    cache = tmp_path / "cache"
    recipe = small_recipe(tmp_path, saved, tmp_path, vision_cache=str(cache))
    stage = StoreVisionFeatures(recipe)
    done = stage(table)
    assert done.column_names == ["image_id", "error"]
    assert done["error"].to_pylist()[:3] == [None] * 3
    assert "starts with the bytes" in done["error"][3].as_py()
    kept = VisionCache(cache, FrozenVision(family, str(saved), None))
    assert kept.missing([*IDS, "bad"]) == ["bad"]
    shards = sorted(kept.folder.glob("shard-*"))
    assert stage(table)["error"].to_pylist()[:3] == [None] * 3
    assert sorted(kept.folder.glob("shard-*")) == shards, "nothing is computed twice"
    assert missing_features(recipe, [*IDS, "bad"]).image_ids == ("bad",)
