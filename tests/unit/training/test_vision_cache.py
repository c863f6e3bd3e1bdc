"""The frozen-vision cache: the same loss from vectors that were computed once."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image

from georay.config.tiny import TinyModelRecipe, TinyVisionRecipe
from georay.core.prompts import LOCATION, Conversation, target_answer
from georay.models.adapter_card import LoraSettings
from georay.models.adapters import AdapterStack
from georay.models.families.base import Exchange
from georay.models.families.chat import ChatFamily
from georay.models.families.qwen_vl import QwenVLFamily
from georay.models.families.qwen_vl.tiny import build_tiny
from georay.streetworld.records import jpeg_bytes
from georay.training import vision_cache
from georay.training.vision_cache import (
    FrozenVision,
    ReadVectors,
    StoreVisionFeatures,
    VisionCache,
    encode_with_vectors,
    fill_cache,
    unpacked,
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


def pixels_of(name: str) -> np.ndarray:
    return np.random.default_rng(ord(name)).integers(0, 256, (80, 100, 3), dtype=np.uint8)


def picture(name: str) -> Image.Image:
    return Image.fromarray(pixels_of(name))


def exchange(name: str, city: str) -> Exchange:
    answer = target_answer(LOCATION, country="France", city=city)
    return Exchange((picture(name),), Conversation(LOCATION.question, answer=answer))


def silent(line: str) -> None:
    """For those who do not listen."""


@pytest.fixture
def cache(family, tmp_path) -> VisionCache:
    cache = VisionCache(tmp_path, FrozenVision(family, "tiny", None))
    fill_cache(cache, IDS, picture, 2, silent)
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


def test_the_size_is_announced_before_anything_is_written(family, tmp_path):
    cache, said = VisionCache(tmp_path, FrozenVision(family, "tiny", None)), []

    def say(line: str) -> None:
        assert not list(tmp_path.rglob("*.safetensors"))
        said.append(line)

    size = fill_cache(cache, IDS, picture, 2, say)
    assert size.num_bytes == 3 * 16 * 256 * 4
    assert "3 images × 16 vectors" in said[0]
    written = sum(path.stat().st_size for path in tmp_path.rglob("*.safetensors"))
    assert size.num_bytes <= written < size.num_bytes + 2000
    assert fill_cache(cache, IDS, picture, 2, said.append).num_bytes == 0


def test_a_disk_that_is_too_small_is_refused_before_anything_is_written(
    family, tmp_path, monkeypatch
):
    full = shutil._ntuple_diskusage(10, 9, 1)
    monkeypatch.setattr(vision_cache.shutil, "disk_usage", lambda path: full)
    cache = VisionCache(tmp_path, FrozenVision(family, "tiny", None))
    with pytest.raises(ValueError, match="MB free"):
        fill_cache(cache, IDS, picture, 2, silent)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_only_what_is_missing_is_computed(family, cache, tmp_path):
    again = VisionCache(tmp_path, FrozenVision(family, "tiny", None))
    asked = []

    def picture_of(name: str) -> Image.Image:
        asked.append(name)
        return picture(name)

    fill_cache(again, ["a", "d", "b", "d"], picture_of, 2, silent)
    assert asked == ["d"]
    assert torch.equal(again.read(["d", "a"])[1], cache.read(["a"])[0])


def test_an_image_that_is_not_there_is_named(cache):
    with pytest.raises(ValueError, match="lacks 1 images, x first"):
        cache.read(["a", "x"])


def test_other_vision_weights_and_revisions_have_a_cache_of_their_own(family, cache, tmp_path):
    changed = build_tiny(RECIPE.model_copy(update={"seed": 5}))
    for vision in (FrozenVision(changed, "tiny", None), FrozenVision(family, "tiny", "abc")):
        assert VisionCache(tmp_path, vision).missing(IDS) == IDS
    facts = json.loads((cache.folder / "cache.json").read_text())
    assert facts["model"] == "tiny" and facts["precision"] == "float32"


def test_language_weights_may_change_without_a_new_cache(family, cache, tmp_path):
    same = build_tiny(RECIPE)
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
    encoded = {name: jpeg_bytes(pixels_of(name)) for name in IDS}
    table = pa.table({"image_id": [*IDS, "bad"], "picture": [*encoded.values(), b"no picture"]})
    stage = StoreVisionFeatures(str(saved), str(tmp_path))
    done = stage(table)
    assert done.column_names == ["image_id", "error"]
    assert done["error"].to_pylist()[:3] == [None] * 3
    assert "starts with the bytes" in done["error"][3].as_py()
    cache = VisionCache(tmp_path, FrozenVision(family, str(saved), None))
    assert cache.missing([*IDS, "bad"]) == ["bad"]
    shards = sorted(cache.folder.glob("shard-*"))
    assert stage(table)["error"].to_pylist()[:3] == [None] * 3
    assert sorted(cache.folder.glob("shard-*")) == shards, "nothing is computed twice"


def test_the_reading_stage_gives_each_slot_its_vectors(cache):
    stage = pickled(ReadVectors(str(cache.folder)))
    slots = pa.table({"image_ids": [["c", "a"], ["b"]], "is_filler": [False, True]})
    read = stage(slots)
    assert read.column_names == ["image_ids", "is_filler", "vectors"]
    first, second = (unpacked(blob) for blob in read["vectors"].to_pylist())
    assert torch.equal(first, cache.read(["c", "a"]))
    assert torch.equal(second, cache.read(["b"]))


def pickled(stage: ReadVectors) -> ReadVectors:
    """As it arrives in another process."""
    return pickle.loads(pickle.dumps(stage))
