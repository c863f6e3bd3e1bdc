"""Which weights decay, and which learn more slowly."""

from typing import Any

from torch import nn


def parameter_groups(network: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Matrices decay; vectors and embeddings do not."""
    embeddings = {
        parameter
        for module in network.modules()
        if isinstance(module, nn.Embedding)
        for parameter in module.parameters()
    }
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    matrices = [p for p in trained if p.ndim > 1 and p not in embeddings]
    others = [p for p in trained if p.ndim <= 1 or p in embeddings]
    return [
        {"params": matrices, "weight_decay": decay},
        {"params": others, "weight_decay": 0.0},
    ]


def slower(
    network: nn.Module, part: nn.Module, rate: float, decay: float, share: float
) -> list[dict[str, Any]]:
    """The groups of a network; `part`, which has learnt already, learns at a share of the rate."""
    known = set(part.parameters())
    groups: list[dict[str, Any]] = []
    for group in parameter_groups(network, decay):
        new = [parameter for parameter in group["params"] if parameter not in known]
        old = [parameter for parameter in group["params"] if parameter in known]
        groups += [group | {"params": new, "lr": rate}, group | {"params": old, "lr": rate * share}]
    return groups
