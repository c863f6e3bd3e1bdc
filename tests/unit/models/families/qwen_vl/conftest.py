"""Small Qwen-VL networks, and the reference outputs of the original one."""

import importlib.util
import json
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from georay.models.families.qwen_vl import (
    QwenVLConfig,
    QwenVLForConditionalGeneration,
    QwenVLTokenizer,
)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Small tensors lose time to a second thread, and the machine is shared."""
    torch.set_num_threads(1)


def small_config(**changes: Any) -> QwenVLConfig:
    """A network of some 300,000 parameters over bytes, trained (as it were) on 24 tokens."""
    sizes: dict[str, Any] = {
        "vocab_size": 473,
        "hidden_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "kv_channels": 32,
        "intermediate_size": 192,
        "seq_length": 24,
        "initializer_range": 0.2,
        "visual": {
            "image_size": 28,
            "patch_size": 14,
            "width": 32,
            "layers": 2,
            "heads": 2,
            "mlp_ratio": 2.0,
            "output_dim": 128,
            "image_start_id": 470,
            "n_queries": 4,
        },
    }
    return QwenVLConfig(**(sizes | changes))


@pytest.fixture
def network() -> QwenVLForConditionalGeneration:
    """A small network with random weights, ready to infer."""
    torch.manual_seed(7)
    return QwenVLForConditionalGeneration(small_config()).eval()


@pytest.fixture(scope="session")
def tokenizer() -> QwenVLTokenizer:
    """One word for each byte: 256 ids, then the special tokens."""
    return QwenVLTokenizer.from_ranks({bytes([byte]): byte for byte in range(256)})


@pytest.fixture(scope="session")
def published_file() -> Path:
    """Qwen's vocabulary, which the development dependency dashscope carries."""
    package = importlib.util.find_spec("dashscope")
    if package is None or not package.submodule_search_locations:
        pytest.skip("dashscope is not installed: no published vocabulary")
    return Path(package.submodule_search_locations[0]) / "resources" / "qwen.tiktoken"


@pytest.fixture(scope="session")
def published(published_file: Path, tmp_path_factory: pytest.TempPathFactory) -> QwenVLTokenizer:
    """Loaded from a folder that holds what the hub does."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "qwen.tiktoken").symlink_to(published_file)
    settings = {"model_max_length": 8192, "tokenizer_class": "QWenTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return QwenVLTokenizer.from_pretrained(folder)


@dataclass(frozen=True)
class Original:
    """A network with the weights of the reference run, and that run's outputs."""

    network: QwenVLForConditionalGeneration
    pixels: Tensor
    expected: dict[str, Tensor]
    shapes: dict[str, tuple[int, ...]]


@pytest.fixture(scope="session")
def original(shared: Callable[[str], Path]) -> Original:
    """Reference outputs of the original Qwen-VL on a small configuration."""
    folder = shared("reference/qwen_vl")
    facts = json.loads((folder / "fixture.json").read_text())
    network = QwenVLForConditionalGeneration(QwenVLConfig(**facts["config"])).eval()
    for name, tensor in network.state_dict().items():
        if not name.endswith("pos_embed"):
            tensor.copy_(formula_weights(name, tensor.shape, facts["salt"]))
    return Original(
        network=network,
        pixels=torch.stack([formula_pixels(0), formula_pixels(1)]),
        expected=load_file(folder / "expected.safetensors"),
        shapes={name: tuple(shape) for name, shape in facts["state_dict_shapes"].items()},
    )


def formula_weights(name: str, shape: torch.Size, salt: int) -> Tensor:
    """The reference run's weights, which a formula gives instead of a checkpoint."""
    code, places = zlib.crc32(name.encode()), np.arange(shape.numel(), dtype=np.float64)
    wave = np.sin(places * (0.7 + (code % 97) / 1000) + code % 1000 + salt).reshape(shape)
    if len(shape) > 1:
        wave = wave * 1.3 * math.sqrt(2) / math.sqrt(math.prod(shape[1:]))
    elif name.endswith("bias"):
        wave = 0.1 * wave
    else:
        wave = 1 + 0.1 * wave
    return torch.from_numpy(wave.astype(np.float32))


def formula_pixels(number: int) -> Tensor:
    """The reference run's image of this number, already normalised."""
    places = np.arange(3 * 448 * 448, dtype=np.float64)
    wave = np.sin(places * 0.0137 * (number + 1) + number)
    return torch.from_numpy(wave.reshape(3, 448, 448).astype(np.float32))
