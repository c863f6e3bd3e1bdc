"""One door to every local network: registered ids, folders, hub ids with a revision."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import BertConfig, PreTrainedModel

from georay.core.prompts import Conversation
from georay.errors import ModelUnavailable
from georay.models import registry
from georay.models.families.base import Exchange
from georay.models.families.chat import ChatFamily
from georay.models.families.qwen_vl import QwenVLProcessor, QwenVLTokenizer
from georay.models.loading import load_family
from georay.models.registry import DEFAULT

Build = Callable[[str, int], ChatFamily]


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "no-cache"))


def test_folders_of_every_chat_class_load_as_what_they_are(
    small_chat_family: Build, tmp_path: Path
) -> None:
    for model_type in ("qwen2_5_vl", "llava"):
        folder = tmp_path / model_type
        saved = small_chat_family(model_type, 3)
        saved.save_pretrained(folder)
        loaded = load_family(str(folder))
        assert loaded.network.config.model_type == model_type
        assert not loaded.network.training
        assert torch.equal(loaded.network.lm_head.weight, saved.network.lm_head.weight)


def test_folder_of_a_qwen_vl_loads_with_its_own_tokenizer(
    small_chat_network: Callable[[str, int], PreTrainedModel], tmp_path: Path
) -> None:
    network = small_chat_network("qwen", 3)
    tokenizer = QwenVLTokenizer.from_ranks({bytes([byte]): byte for byte in range(256)})
    network.save_pretrained(tmp_path)
    QwenVLProcessor(tokenizer, image_size=28, n_queries=4).save_pretrained(tmp_path)
    loaded = load_family(str(tmp_path))
    assert loaded.network.config.model_type == "qwen"
    assert isinstance(loaded.tokenizer, QwenVLTokenizer)
    assert torch.equal(loaded.network.lm_head.weight, network.lm_head.weight)


def test_precision_is_what_was_asked_for(small_chat_family: Build, tmp_path: Path) -> None:
    small_chat_family("llava", 3).save_pretrained(tmp_path)
    assert load_family(str(tmp_path)).network.dtype == torch.float32
    assert load_family(str(tmp_path), precision="bfloat16").network.dtype == torch.bfloat16


def test_pictures_are_bounded_as_asked_and_a_saved_model_keeps_its_bound(
    small_chat_family: Build, tmp_path: Path
) -> None:
    large = Exchange((Image.new("RGB", (640, 480)),), Conversation("Where?"))
    small_chat_family("qwen2_5_vl", 3).save_pretrained(tmp_path / "whole")

    def num_tokens(folder: str, max_pixels: int | None = None) -> int:
        family = load_family(str(tmp_path / folder), max_pixels=max_pixels)
        assert isinstance(family, ChatFamily)
        family.save_pretrained(tmp_path / "again")
        return int(family.encode([large])["mm_token_type_ids"].sum())

    assert num_tokens("whole") == (640 // 28 + 1) * (480 // 28)
    bounded = num_tokens("whole", max_pixels=50 * 28 * 28)
    assert 30 <= bounded <= 50
    assert num_tokens("again") == bounded


def test_registered_bound_holds_without_being_asked_for(
    small_chat_family: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_chat_family("qwen2_5_vl", 3).save_pretrained(tmp_path / "tiny")
    monkeypatch.setattr(registry, "PACKAGED", tmp_path)
    bounded = replace(registry.REGISTRY["tiny"], max_pixels=50 * 28 * 28)
    monkeypatch.setattr("georay.models.loading.REGISTRY", {"tiny": bounded})
    large = Exchange((Image.new("RGB", (640, 480)),), Conversation("Where?"))
    assert load_family("tiny").encode([large])["mm_token_type_ids"].sum() <= 50


def test_packaged_model_loads_by_its_id(
    small_chat_family: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "PACKAGED", tmp_path)
    small_chat_family("qwen3_vl", 3).save_pretrained(tmp_path / "tiny")
    assert load_family("tiny").network.config.model_type == "qwen3_vl"


def test_packaged_model_that_is_not_installed_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: None
) -> None:
    monkeypatch.setattr(registry, "PACKAGED", tmp_path)
    with pytest.raises(ModelUnavailable, match="weights of 'tiny' are not in this installation"):
        load_family("tiny")


def test_without_a_network_the_message_names_the_twin(offline: None) -> None:
    with pytest.raises(ModelUnavailable, match=rf"cannot load {DEFAULT}.*small twin 'tiny'"):
        load_family(DEFAULT)


def test_unregistered_hub_model_needs_a_revision(offline: None) -> None:
    with pytest.raises(ValueError, match="not in the registry: give `revision`"):
        load_family("someone/some-model")
    with pytest.raises(ModelUnavailable, match="cannot load someone/some-model"):
        load_family("someone/some-model", revision="0" * 40)


@pytest.mark.parametrize("name", ["./absent", "/absent/folder", "absent", "a/b/c", ""])
def test_a_mistyped_name_says_what_names_there_are(name: str) -> None:
    with pytest.raises(ValueError, match=r"no such model: give a folder.*tiny"):
        load_family(name)


def test_a_network_that_no_family_reads_is_named(tmp_path: Path) -> None:
    BertConfig().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="is a 'bert' model; georay reads 'qwen'"):
        load_family(str(tmp_path))
