"""Qwen-VL's vision side: the ViT-bigG encoder and an adapter with learned queries."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.modeling_layers import GradientCheckpointingLayer

from .config import POSITION_TABLE_SIZE, VisualConfig

EPSILON = 1e-6


class VisualAttention(nn.Module):
    """Self-attention over patches; in `in_proj` each head keeps its query, key, value together."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        heads = self.in_proj(x).view(batch, tokens, self.heads, 3, width // self.heads)
        query, key, value = heads.permute(3, 0, 2, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.out_proj(mixed.transpose(1, 2).reshape(batch, tokens, width))


class VisualMLP(nn.Module):
    """Two linear layers around an exact GELU."""

    def __init__(self, width: int, mlp_width: int) -> None:
        super().__init__()
        self.c_fc = nn.Linear(width, mlp_width)
        self.c_proj = nn.Linear(mlp_width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(functional.gelu(self.c_fc(x)))


class VisualBlock(GradientCheckpointingLayer):
    """One pre-norm encoder layer."""

    def __init__(self, config: VisualConfig) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.width, eps=EPSILON)
        self.ln_2 = nn.LayerNorm(config.width, eps=EPSILON)
        self.attn = VisualAttention(config.width, config.heads)
        self.mlp = VisualMLP(config.width, int(config.width * config.mlp_ratio))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class VisualLayers(nn.Module):
    """The encoder's layers, under the name that the checkpoint gives them."""

    def __init__(self, config: VisualConfig) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(VisualBlock(config) for _ in range(config.layers))

    def forward(self, x: Tensor) -> Tensor:
        for block in self.resblocks:
            x = block(x)
        return x


class CrossAttention(nn.Module):
    """Attention from queries to keys and values, its parameters named as torch names them."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """query: [num_queries, width], the same for every image; key, value: [images, n, width]."""
        images, num_queries = key.shape[0], query.shape[0]
        states = (
            functional.linear(x, weight, bias).unflatten(-1, (self.heads, -1))
            for x, weight, bias in zip(
                (query[None], key, value),
                self.in_proj_weight.chunk(3),
                self.in_proj_bias.chunk(3),
                strict=True,
            )
        )
        q, k, v = (x.transpose(1, 2) for x in states)
        mixed = functional.scaled_dot_product_attention(q.expand(images, -1, -1, -1), k, v)
        return self.out_proj(mixed.transpose(1, 2).reshape(images, num_queries, -1))


class Resampler(nn.Module):
    """The vision-language adapter: learned queries gather an image of any grid in `n_queries`.

    2-D sine-cosine positions go to queries and keys, not to values.
    """

    def __init__(self, config: VisualConfig) -> None:
        super().__init__()
        self.grid_size = math.isqrt(config.n_queries)
        width = config.output_dim
        # A table, not a weight; the checkpoint nevertheless holds it among the parameters.
        self.pos_embed = nn.Parameter(torch.empty(config.n_queries, width), requires_grad=False)
        self.query = nn.Parameter(torch.empty(config.n_queries, width))
        self.kv_proj: nn.Module = nn.Identity()
        if config.width != width:
            self.kv_proj = nn.Linear(config.width, width, bias=False)
        self.attn = CrossAttention(width, config.resampler_heads)
        self.ln_q = nn.LayerNorm(width, eps=EPSILON)
        self.ln_kv = nn.LayerNorm(width, eps=EPSILON)

    def forward(self, patches: Tensor) -> Tensor:
        """[images, num_patches, width] -> [images, n_queries, output_dim]."""
        value = self.ln_kv(self.kv_proj(patches))
        positions = self.pos_embed.detach()  # loading a checkpoint would make it trainable
        key = value + stretch_table(positions, value.shape[1])
        return self.attn(self.ln_q(self.query) + positions, key, value)


class VisionTransformer(nn.Module):
    """Pixels [images, 3, image_size, image_size], normalised -> [images, n_queries, output_dim]."""

    def __init__(self, config: VisualConfig) -> None:
        super().__init__()
        self.image_size = config.image_size
        width, out = config.width, config.output_dim
        self.conv1 = nn.Conv2d(3, width, config.patch_size, stride=config.patch_size, bias=False)
        self.positional_embedding = nn.Parameter(torch.empty(POSITION_TABLE_SIZE, width))
        self.ln_pre = nn.LayerNorm(width, eps=EPSILON)
        self.transformer = VisualLayers(config)
        self.attn_pool = Resampler(config)
        self.ln_post = nn.LayerNorm(out, eps=EPSILON)
        self.proj = nn.Parameter(torch.empty(out, out))

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Raises ValueError for pixels of another size: the processor makes the right one."""
        return self.gathered(self.patches(pixel_values))

    def patches(self, pixel_values: Tensor) -> Tensor:
        """What the encoder makes of each patch: [images, num_patches, width], row by row.

        Raises ValueError as `forward`.
        """
        expected = (3, self.image_size, self.image_size)
        if pixel_values.ndim != 4 or tuple(pixel_values.shape[1:]) != expected:
            raise ValueError(
                f"pixel_values must be [images, {', '.join(map(str, expected))}], "
                f"got {list(pixel_values.shape)}"
            )
        patches = self.conv1(pixel_values.to(self.conv1.weight.dtype)).flatten(2).transpose(1, 2)
        patches = patches + stretch_table(self.positional_embedding, patches.shape[1])
        return self.transformer(self.ln_pre(patches))

    def gathered(self, patches: Tensor) -> Tensor:
        """What the language model gets of the patches: [images, n_queries, output_dim]."""
        return self.ln_post(self.attn_pool(patches)) @ self.proj


def stretch_table(table: Tensor, num_patches: int) -> Tensor:
    """A square position table [n, width] at another square grid [num_patches, width] (bicubic)."""
    source, target = math.isqrt(table.shape[0]), math.isqrt(num_patches)
    if source == target:
        return table
    square = table.float().reshape(1, source, source, -1).permute(0, 3, 1, 2)
    stretched = functional.interpolate(
        square, (target, target), mode="bicubic", align_corners=False
    )
    return stretched.permute(0, 2, 3, 1).flatten(0, 2).to(table.dtype)


def sincos_table(grid_size: int, width: int) -> Tensor:
    """2-D sine-cosine positions [grid_size ** 2, width], row-major, float32.

    The first half of the width tells the column, the second the row; each half is sines, then
    cosines, of frequencies that fall from 1 to 1/10,000.
    """
    quarter = width // 4
    frequencies = 10000.0 ** (-torch.arange(quarter, dtype=torch.float64) / quarter)
    angles = torch.arange(grid_size, dtype=torch.float64)[:, None] * frequencies
    line = torch.cat((angles.sin(), angles.cos()), dim=1)
    columns = line[None].expand(grid_size, -1, -1)
    rows = line[:, None].expand(-1, grid_size, -1)
    return torch.cat((columns, rows), dim=-1).reshape(grid_size**2, width).float()
