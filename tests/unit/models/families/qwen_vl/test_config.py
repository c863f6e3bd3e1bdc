"""The published configuration keys are understood; what would build another network is refused."""

from pathlib import Path

import pytest
import torch

from georay.models.families.qwen_vl import QwenVLConfig

from .conftest import small_config


def test_the_published_configuration_is_read_and_written_without_remote_code(
    tmp_path: Path,
) -> None:
    published = {
        "auto_map": {"AutoConfig": "configuration_qwen.QWenConfig"},
        "architectures": ["QWenLMHeadModel"],
        "onnx_safe": None,
        "torch_dtype": "bfloat16",
        "bf16": False,
        "kv_channels": 128,
        "use_flash_attn": False,
    }
    config = QwenVLConfig(**published)
    assert config.model_type == "qwen"
    assert config.dtype == torch.bfloat16
    assert config.visual["width"] == 1664
    config.save_pretrained(tmp_path)
    assert "auto_map" not in (tmp_path / "config.json").read_text()
    assert QwenVLConfig.from_pretrained(tmp_path).vision == config.vision


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"hidden_size": 256}, "num_attention_heads x kv_channels"),
        ({"rotary_pct": 0.5}, "rotary_pct"),
        ({"attn_dropout_prob": 0.1}, "dropout"),
        ({"vocab_size": 300}, "within vocab_size"),
        ({"visual": {"image_size": 28}}, "incomplete"),
    ],
)
def test_configurations_that_fit_no_qwen_vl_are_refused(
    changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        small_config(**changes)
