"""The precision that training computes in, asked of the processor."""

from typing import Literal

import torch

from georay.models.segmenters.batches import fast_precision

TrainingPrecision = Literal["native", "float32"]


def training_precision(asked: TrainingPrecision = "native") -> torch.dtype:
    """What autocast computes in on this CPU: native is bfloat16 where it multiplies that.

    Elsewhere bfloat16 is imitated, several times slower than float32. "float32" is for networks
    that bfloat16 teaches too little.
    """
    if asked == "float32":
        return torch.float32
    return fast_precision(torch.device("cpu"))
