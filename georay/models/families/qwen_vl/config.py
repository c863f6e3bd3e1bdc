"""Configuration of Qwen-VL, as published: the keys of its config.json, `visual` a dictionary."""

import math
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from transformers import PreTrainedConfig

POSITION_TABLE_SIZE = 256
"""Entries of the encoder's learned position table, whatever the image size (16 x 16)."""


@dataclass(frozen=True)
class VisualConfig:
    """The vision side: an encoder of square images and the adapter that reads it.

    The adapter leaves `n_queries` vectors of `output_dim` for each image of `image_size` pixels.
    """

    image_size: int
    patch_size: int
    width: int
    layers: int
    heads: int
    mlp_ratio: float
    output_dim: int
    image_start_id: int
    n_queries: int = 256

    @property
    def image_end_id(self) -> int:
        """Id of </img>."""
        return self.image_start_id + 1

    @property
    def image_pad_id(self) -> int:
        """Id of <imgpad>, whose places the image's vectors take."""
        return self.image_start_id + 2

    @property
    def resampler_heads(self) -> int:
        """Heads of the adapter's cross-attention: one for every 128 of the output's width."""
        return self.output_dim // 128

    def __post_init__(self) -> None:
        checks = {
            "image_size must be a multiple of patch_size": self.image_size % self.patch_size == 0,
            "width must be a multiple of heads": self.width % self.heads == 0,
            "output_dim must be a multiple of 128": self.output_dim % 128 == 0,
            "n_queries must be a square number": math.isqrt(self.n_queries) ** 2 == self.n_queries,
        }
        for rule, holds in checks.items():
            if not holds:
                raise ValueError(f"Qwen-VL's visual configuration: {rule}, got {self}")


def published_visual() -> dict[str, Any]:
    """The vision side of Qwen-VL and Qwen-VL-Chat: ViT-bigG at 448 pixels."""
    return {
        "image_size": 448,
        "patch_size": 14,
        "width": 1664,
        "layers": 48,
        "heads": 16,
        "mlp_ratio": 4.9231,
        "output_dim": 4096,
        "image_start_id": 151857,
    }


class QwenVLConfig(PreTrainedConfig):
    """Qwen-VL (paper, section 3.2: the base of GeoReasoner). The defaults are Qwen-VL-Chat's.

    `visual` takes the published keys (see `VisualConfig`). Beyond `seq_length` tokens, the length
    of pre-training, dynamic NTK and log-n scaling act where they are turned on.
    Raises ValueError for sizes that do not fit together or a feature that no published Qwen-VL has.
    """

    model_type: ClassVar[str] = "qwen"
    keys_to_ignore_at_inference: ClassVar[list[str]] = ["past_key_values"]

    vocab_size: int = 151936
    hidden_size: int = 4096
    num_hidden_layers: int = 32
    num_attention_heads: int = 32
    kv_channels: int = 128
    intermediate_size: int = 22016
    seq_length: int = 2048
    max_position_embeddings: int = 8192
    layer_norm_epsilon: float = 1e-6
    rotary_emb_base: float = 10000
    rotary_pct: float = 1.0
    use_dynamic_ntk: bool = True
    use_logn_attn: bool = True
    no_bias: bool = True
    attn_dropout_prob: float = 0.0
    emb_dropout_prob: float = 0.0
    scale_attn_weights: bool = True
    initializer_range: float = 0.02
    use_cache: bool = True
    tie_word_embeddings: bool = False
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None
    pad_token_id: int | None = None
    visual: dict[str, Any] | None = None

    def __post_init__(self, **kwargs: Any) -> None:
        # The remote code it names no longer runs, and saved copies must not point at it.
        kwargs.pop("auto_map", None)
        self.visual = published_visual() if self.visual is None else dict(self.visual)
        super().__post_init__(**kwargs)
        self._check()

    @property
    def vision(self) -> VisualConfig:
        """`visual`, checked and typed. Keys that the network does not read are left out."""
        assert self.visual is not None
        known = {field.name for field in fields(VisualConfig)}
        try:
            return VisualConfig(**{k: v for k, v in self.visual.items() if k in known})
        except TypeError as problem:
            raise ValueError(f"Qwen-VL's visual configuration is incomplete: {problem}") from None

    def _check(self) -> None:
        checks = {
            "hidden_size must be num_attention_heads x kv_channels": self.hidden_size
            == self.num_attention_heads * self.kv_channels,
            "visual's output_dim must be hidden_size": self.vision.output_dim == self.hidden_size,
            "rotary_pct must be 1.0": self.rotary_pct == 1.0,
            "no dropout inside the network is supported": self.attn_dropout_prob == 0.0
            and self.emb_dropout_prob == 0.0,
            "scale_attn_weights must be true": self.scale_attn_weights,
            "visual's image tokens must lie within vocab_size": self.vision.image_pad_id
            < self.vocab_size,
        }
        for rule, holds in checks.items():
            if not holds:
                raise ValueError(f"Qwen-VL's configuration: {rule}")
