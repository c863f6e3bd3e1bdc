"""Weights that were published as .bin shards load after one conversion, unchanged."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import PreTrainedModel

from georay.core.prompts import Conversation
from georay.errors import ModelUnavailable
from georay.models.conversion import convert_shards
from georay.models.families.base import Exchange
from georay.models.families.qwen_vl import QwenVLProcessor, QwenVLTokenizer
from georay.models.loading import load_family


class NotATensor:
    """What a shard must not hold."""


@pytest.fixture
def published(
    small_chat_network: Callable[[str, int], PreTrainedModel], tmp_path: Path
) -> tuple[Path, PreTrainedModel]:
    """A small Qwen-VL as the original was published: two .bin shards, an index, remote code."""
    folder = tmp_path / "published"
    network = small_chat_network("qwen", 3)
    network.save_pretrained(folder)
    tokenizer = QwenVLTokenizer.from_ranks({bytes([byte]): byte for byte in range(256)})
    QwenVLProcessor(tokenizer, image_size=28, n_queries=4).save_pretrained(folder)
    for file in folder.glob("*.safetensors"):
        file.unlink()
    state = network.state_dict()
    names = sorted(state)
    for index, part in enumerate((names[::2], names[1::2]), start=1):
        shard = {name: state[name] for name in part}
        torch.save(shard, folder / f"pytorch_model-0000{index}-of-00002.bin")
    (folder / "pytorch_model.bin.index.json").write_text("{}")
    (folder / "modeling_qwen.py").write_text("raise SystemExit('remote code ran')")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModelForCausalLM": "modeling_qwen.QWenLMHeadModel"}
    (folder / "config.json").write_text(json.dumps(config))
    return folder, network


def test_bin_shards_are_refused_with_the_command_that_converts_them(published):
    with pytest.raises(ModelUnavailable, match="georay convert"):
        load_family(str(published[0]))


def test_converted_shards_load_with_every_value_unchanged(published, tmp_path):
    folder, network = published
    out = tmp_path / "converted"
    assert list(convert_shards(str(folder), out)) == [
        f"model-0000{index}-of-00002.safetensors" for index in (1, 2)
    ]
    loaded = load_family(str(out)).network.state_dict()
    assert loaded.keys() == network.state_dict().keys()
    for name, value in network.state_dict().items():
        assert torch.equal(loaded[name], value), name
    assert not (out / "modeling_qwen.py").exists()
    assert "auto_map" not in json.loads((out / "config.json").read_text())


def test_all_that_loading_needs_comes_along(small_chat_family, tmp_path):
    """A chat template lies in a file of its own; without it the model is taken for a base."""
    published, out = tmp_path / "published", tmp_path / "out"
    family = small_chat_family("qwen2_5_vl", 3)
    family.save_pretrained(published)
    assert (published / "chat_template.jinja").exists()
    (published / "model.safetensors").unlink()
    torch.save(family.network.state_dict(), published / "pytorch_model.bin")
    (published / "sentencepiece.bpe.model").write_text("a vocabulary")
    list(convert_shards(str(published), out))
    assert {path.name for path in published.iterdir()} - {path.name for path in out.iterdir()} == {
        "pytorch_model.bin"
    }
    loaded = load_family(str(out))
    exchange = Exchange((Image.new("RGB", (56, 56)),), Conversation("Where?"))
    assert torch.equal(
        loaded.encode([exchange])["input_ids"], family.encode([exchange])["input_ids"]
    )


def test_a_shard_that_holds_more_than_tensors_is_refused(published, tmp_path):
    folder, _ = published
    torch.save({"weight": NotATensor()}, folder / "pytorch_model-00001-of-00002.bin")
    with pytest.raises(ValueError, match="more than tensors"):
        list(convert_shards(str(folder), tmp_path / "converted"))


def test_nothing_to_convert_is_said(tmp_path):
    with pytest.raises(ValueError, match="nothing needs converting"):
        list(convert_shards(str(tmp_path), tmp_path / "out"))
    with pytest.raises(ValueError, match="--revision"):
        list(convert_shards("someone/model", tmp_path / "out"))
