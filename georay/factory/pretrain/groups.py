"""Which weights decay."""

from torch import nn


def parameter_groups(network: nn.Module, decay: float) -> list[dict[str, object]]:
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
