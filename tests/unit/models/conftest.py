"""Small networks of each chat class with random weights: for what holds whatever the weights."""

from collections.abc import Callable

import pytest
import torch
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedModel,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)

VOCABULARY = 512
IMAGE_PAD, VIDEO_PAD, VISION_START, VISION_END = 500, 501, 502, 503

_TEXT = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
_PLACES = {
    "image_token_id": IMAGE_PAD,
    "video_token_id": VIDEO_PAD,
    "vision_start_token_id": VISION_START,
    "vision_end_token_id": VISION_END,
}


def _qwen2_5_vl() -> PreTrainedModel:
    rope = {"rope_type": "default", "mrope_section": [2, 1, 1], "rope_theta": 1e4}
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": 32,
        "fullatt_block_indexes": [1],
    }
    config = Qwen2_5_VLConfig(
        text_config=_TEXT | {"rope_parameters": rope}, vision_config=vision, **_PLACES
    )
    return Qwen2_5_VLForConditionalGeneration(config)


def _qwen3_vl() -> PreTrainedModel:
    rope = {
        "rope_type": "default",
        "mrope_section": [2, 1, 1],
        "mrope_interleaved": True,
        "rope_theta": 1e4,
    }
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": 32,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0],
    }
    config = Qwen3VLConfig(
        text_config=_TEXT | {"rope_parameters": rope, "head_dim": 8},
        vision_config=vision,
        **_PLACES,
    )
    return Qwen3VLForConditionalGeneration(config)


def _llava() -> PreTrainedModel:
    vision = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=56,
        patch_size=14,
        projection_dim=32,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=LlamaConfig(**_TEXT),
        image_token_index=IMAGE_PAD,
        image_seq_length=16,
    )
    return LlavaForConditionalGeneration(config)


_BUILDERS = {"qwen2_5_vl": _qwen2_5_vl, "qwen3_vl": _qwen3_vl, "llava": _llava}


@pytest.fixture(scope="session")
def small_chat_network() -> Callable[[str, int], PreTrainedModel]:
    """A small network of the given model type, the same for the same seed."""

    def build(model_type: str, seed: int) -> PreTrainedModel:
        torch.manual_seed(seed)
        return _BUILDERS[model_type]().eval()

    return build
