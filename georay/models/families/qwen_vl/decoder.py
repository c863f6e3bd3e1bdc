"""Qwen-7B's decoder layers."""

from torch import Tensor, nn
from torch.nn import functional
from transformers.cache_utils import Cache
from transformers.modeling_layers import GradientCheckpointingLayer

from .config import QwenVLConfig
from .rotary import Rotation, rotate


class QwenVLRMSNorm(nn.RMSNorm):
    """RMSNorm in float32, then the weight in the network's own precision."""

    def forward(self, x: Tensor) -> Tensor:
        return (
            functional.rms_norm(x.float(), self.normalized_shape, eps=self.eps).to(x.dtype)
            * self.weight
        )


class Attention(nn.Module):
    """Causal self-attention with one projection for query, key and value."""

    def __init__(self, config: QwenVLConfig, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.num_heads = config.num_attention_heads
        self.c_attn = nn.Linear(config.hidden_size, 3 * config.hidden_size)
        self.c_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=not config.no_bias)

    def forward(
        self,
        x: Tensor,
        turn: Rotation,
        mask: Tensor | None,
        cache: Cache | None,
        only_last: bool,
    ) -> Tensor:
        batch, tokens, width = x.shape
        states = self.c_attn(x).view(batch, tokens, 3, self.num_heads, width // self.num_heads)
        query, key = rotate(states[:, :, :2], turn).permute(2, 0, 3, 1, 4)
        value = states[:, :, 2].transpose(1, 2)
        if cache is not None:
            key, value = cache.update(key, value, self.layer)
        if only_last:
            query, mask = query[:, :, -1:], None if mask is None else mask[:, :, -1:]
        asking = query.shape[2]
        mixed = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, is_causal=mask is None and asking > 1
        )
        return self.c_proj(mixed.transpose(1, 2).reshape(batch, asking, width))


class MLP(nn.Module):
    """Gated: `c_proj(w1(x) * silu(w2(x)))`, each branch half of `intermediate_size` wide."""

    def __init__(self, config: QwenVLConfig) -> None:
        super().__init__()
        width, bias = config.intermediate_size // 2, not config.no_bias
        self.w1 = nn.Linear(config.hidden_size, width, bias=bias)
        self.w2 = nn.Linear(config.hidden_size, width, bias=bias)
        self.c_proj = nn.Linear(width, config.hidden_size, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(self.w1(x) * functional.silu(self.w2(x)))


class QwenVLBlock(GradientCheckpointingLayer):
    """One pre-norm decoder layer."""

    def __init__(self, config: QwenVLConfig, layer: int) -> None:
        super().__init__()
        self.ln_1 = QwenVLRMSNorm(config.hidden_size, eps=config.layer_norm_epsilon)
        self.attn = Attention(config, layer)
        self.ln_2 = QwenVLRMSNorm(config.hidden_size, eps=config.layer_norm_epsilon)
        self.mlp = MLP(config)

    def forward(
        self,
        x: Tensor,
        turn: Rotation,
        mask: Tensor | None,
        past_key_values: Cache | None = None,
        only_last: bool = False,
    ) -> Tensor:
        """[batch, tokens, width] -> the same, or [batch, 1, width] with `only_last`.

        Of the layer below the head only the last token is read: the others' keys and values go to
        the cache, and nothing more is computed of them.
        """
        mixed = self.attn(self.ln_1(x), turn, mask, past_key_values, only_last)
        x = (x[:, -1:] if only_last else x) + mixed
        return x + self.mlp(self.ln_2(x))
