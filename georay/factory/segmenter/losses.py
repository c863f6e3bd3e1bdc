"""Losses over a coarser class list than the network's head.

CamVid's "building" is ADE20K's building, wall or tower: the loss of a building pixel is that of
the summed probability, so that other data may teach the network to tell them apart.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def group_logits(logits: Tensor, groups: Sequence[Sequence[int]]) -> Tensor:
    """Logits [N, C, ...] -> [N, G, ...] (plus one column if classes are left over).

    The softmax of a group equals the sum of its members' softmax; classes in no group share
    the last column.
    """
    members = {index for group in groups for index in group}
    rest = [index for index in range(logits.shape[1]) if index not in members]
    columns = [
        logits[:, group[0]] if len(group) == 1 else logits[:, list(group)].logsumexp(dim=1)
        for group in [*groups, *([rest] if rest else [])]
    ]
    return torch.stack(columns, dim=1)


def segmentation_loss(
    logits: Tensor, target: Tensor, class_weights: Tensor, *, overlap: float, void: int
) -> Tensor:
    """Weighted cross entropy plus `overlap` × soft Jaccard loss.

    logits: [N, G, h, w] at reduced resolution; target: int64 [N, H, W]; class_weights: [G].
    """
    full = F.interpolate(
        logits.float(), size=target.shape[-2:], mode="bilinear", align_corners=False
    )
    entropy = F.cross_entropy(full, target, class_weights, ignore_index=void)
    return entropy + overlap * _jaccard_loss(full, target, void)


def _jaccard_loss(logits: Tensor, target: Tensor, void: int) -> Tensor:
    """One minus the soft intersection over union, averaged over the classes present."""
    known = (target != void).unsqueeze(1)
    probability = logits.softmax(dim=1) * known
    index = target.where(target != void, 0).unsqueeze(1)
    truth = torch.zeros_like(probability).scatter_(1, index, known.to(probability.dtype))
    shared = (probability * truth).sum(dim=(0, 2, 3))
    total = truth.sum(dim=(0, 2, 3))
    union = probability.sum(dim=(0, 2, 3)) + total - shared
    return (1 - (shared + 1) / (union + 1))[total > 0].mean()
