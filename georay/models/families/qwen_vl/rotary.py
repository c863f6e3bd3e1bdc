"""Rotary positions, dynamic NTK and log-n scaling: how Qwen reads past its training length."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Rotation(NamedTuple):
    """Cosines and sines that turn queries and keys, float32, [batch, tokens, 2 or 1, 1, channels].

    The third axis is (query, key); it is 1 where both turn alike.
    """

    cos: Tensor
    sin: Tensor


def ntk_alpha(prompt_length: int, seq_length: int) -> int:
    """Factor by which dynamic NTK stretches the rotary base for a prompt of this length.

    1 up to `seq_length` tokens, 3 up to twice as many, 7 up to four times as many.
    """
    if prompt_length <= seq_length:
        return 1
    return 2 ** math.ceil(math.log2(prompt_length / seq_length) + 1) - 1


def inverse_frequencies(channels: int, base: float, alpha: int, device: torch.device) -> Tensor:
    """Radians per position of each pair of channels: [channels / 2], float32."""
    stretched = base * alpha ** (channels / (channels - 2))
    exponents = torch.arange(0, channels, 2, device=device).float() / channels
    return 1.0 / (stretched**exponents)


def logn_factor(position_ids: Tensor, seq_length: int) -> Tensor:
    """log(position + 1) to the base of `seq_length`, at least 1; float32, shape of the positions.

    It sharpens the attention of queries that see more keys than training showed.
    """
    return ((position_ids + 1).double().log() / math.log(seq_length)).clamp(min=1.0).float()


def rotation(
    position_ids: Tensor, channels: int, base: float, alphas: Sequence[int], logn: Tensor | None
) -> Rotation:
    """The rotation of tokens at `position_ids` [batch or 1, tokens].

    alphas: dynamic-NTK factor of every row, or a single one for all.
    logn: [batch or 1, tokens] factor on the queries, or None for 1. It is folded in here once
    and costs no layer anything.
    """
    frequencies = torch.stack(
        [inverse_frequencies(channels, base, alpha, position_ids.device) for alpha in alphas]
    )
    angles = position_ids[:, :, None].float() * frequencies[:, None, :]
    angles = torch.cat((angles, angles), dim=-1)[:, :, None, None, :]
    cos, sin = angles.cos(), angles.sin()
    if logn is None:
        return Rotation(cos, sin)
    scale = torch.stack((logn, torch.ones_like(logn)), dim=-1)[:, :, :, None, None]
    return Rotation(cos * scale, sin * scale)


def rotate(states: Tensor, turn: Rotation) -> Tensor:
    """Turn queries and keys [batch, tokens, 2, heads, channels], in float32 like the original."""
    wide = states.float()
    first, second = wide.chunk(2, dim=-1)
    turned = wide * turn.cos + torch.cat((-second, first), dim=-1) * turn.sin
    return turned.to(states.dtype)
