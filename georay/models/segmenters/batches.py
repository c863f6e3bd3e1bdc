"""How segmenters run: batches of one size, and the precision that a device is fast in."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor


def equal_size_batches(arrays: Sequence[Tensor], limit: int) -> Iterator[tuple[list[int], Tensor]]:
    """Positions and stack of arrays of one shape, at most `limit` at a time.

    Nothing is padded, so that an image's result does not depend on its neighbours.
    """
    groups: dict[torch.Size, list[int]] = {}
    for position, array in enumerate(arrays):
        groups.setdefault(array.shape, []).append(position)
    for positions in groups.values():
        for start in range(0, len(positions), limit):
            chosen = positions[start : start + limit]
            yield chosen, torch.stack([arrays[position] for position in chosen])


def batch_limit(device: torch.device) -> int:
    """Images per forward pass: on a CPU, one at a time keeps activations in cache."""
    return 1 if device.type == "cpu" else 16


def fast_precision(device: torch.device) -> torch.dtype:
    """bfloat16 where the device multiplies it natively, else float32."""
    if device.type == "cpu":
        known = torch.cpu.get_capabilities()
        native = any(known.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
    else:
        native = device.type == "cuda" and torch.cuda.is_bf16_supported()
    return torch.bfloat16 if native else torch.float32
