"""Adapters added into copies of the weights they adapt, for small networks that only answer.

A small network spends its time on many small operations, and an adapter makes five of one. A copy
per set of adapters is cheap there; a large network keeps its adapters beside its weights.
"""

from collections.abc import Sequence
from functools import partial

import torch
from peft.tuners.lora import Linear
from torch import Tensor, nn
from torch.nn import functional

MOST_BYTES = 256 << 20
"""Of adapted weights, for one set of adapters."""


class Folding:
    """The adapted layers of one network, each computing with one weight instead of several."""

    def __init__(self, network: nn.Module) -> None:
        """Changes nothing until `use`. The adapters' weights must not change from now on."""
        self._layers = [layer for layer in network.modules() if isinstance(layer, Linear)]
        self._sums: dict[tuple[str, ...], list[Tensor]] = {}

    @property
    def is_worth_it(self) -> bool:
        """Whether the weights are few, and in float32: bfloat16 would round the sum away."""
        weights = [layer.base_layer.weight for layer in self._layers]
        exact = all(weight.dtype == torch.float32 for weight in weights)
        return exact and sum(weight.nbytes for weight in weights) <= MOST_BYTES

    def use(self, names: Sequence[str]) -> None:
        """Lets exactly these adapters act."""
        chosen = tuple(names)
        if chosen not in self._sums:
            self._sums[chosen] = [_sum(layer, chosen) for layer in self._layers]
        for layer, weight in zip(self._layers, self._sums[chosen], strict=True):
            bias = layer.base_layer.bias
            layer.forward = partial(functional.linear, weight=weight, bias=bias)


@torch.no_grad()
def _sum(layer: Linear, names: Sequence[str]) -> Tensor:
    total = layer.base_layer.weight.detach().clone()
    for name in names:
        if name in layer.lora_A:
            total += layer.get_delta_weight(name)
    return total
