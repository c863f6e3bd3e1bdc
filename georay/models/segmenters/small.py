"""The small segmenter that the package carries: see weights/small_segmenter.md."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors import safe_open
from torch import Tensor, nn

from georay.errors import ModelUnavailable
from georay.locatability.labels import short_name
from georay.models.segmenters.abstention import Abstention, confidence, family_matrix
from georay.models.segmenters.base import SMALL_WEIGHTS, UNKNOWN, ClassMap, Segmenter
from georay.models.segmenters.batches import (
    batch_limit,
    equal_size_batches,
)
from georay.models.segmenters.folding import folded
from georay.models.segmenters.label_maps import ade20k_ids
from georay.models.segmenters.network import (
    STRIDE,
    SmallSegmenterNetwork,
    normalise,
)

WORKING_AREA = 544 * 416
"""Pixels that an image is resized to. Weights trained at CamVid's size gain 0.008 mean IoU
from this third more of pixels, at 11 ms more an image; yet more pixels gain little."""


OTHER = "other"
"""The head's label for what none of ADE20K's labels that it knows fits."""


class SmallSegmenter(Segmenter):
    """Class maps at half the working resolution, by a network of 3 million parameters.

    What the head calls other, and what it is not sure of, is UNKNOWN.
    """

    def __init__(
        self,
        network: SmallSegmenterNetwork,
        labels: Sequence[str],
        *,
        id: str,
        device: str = "cpu",
        abstention: Abstention | None = None,
    ) -> None:
        self.id = id
        self._abstention = abstention or Abstention()
        self.largest_unknown_share = self._abstention.largest_share
        self._families = family_matrix([short_name(label) for label in labels]).to(device)
        self.labels = tuple(labels)
        self._device = torch.device(device)
        self._network = folded(network).to(self._device)
        self._lookup = np.array(
            [UNKNOWN if one == OTHER else ade20k_ids([one])[0] for one in labels], np.uint8
        )

    def class_maps(self, images: Sequence[Image.Image]) -> list[ClassMap]:
        arrays = [_working_pixels(image) for image in images]
        maps: dict[int, ClassMap] = {}
        for positions, pixels in equal_size_batches(arrays, batch_limit(self._device)):
            logits = self.logits(pixels)
            ids = self._lookup[logits.argmax(dim=1).cpu().numpy()]
            ids[self._doubtful(logits, ids.shape[1:])] = UNKNOWN
            maps.update(zip(positions, ids, strict=True))
        return [maps[position] for position in range(len(images))]

    @torch.inference_mode()
    def full_class_map(self, image: Image.Image) -> ClassMap:
        """ADE20K class ids at the image's own size, [H, W]."""
        logits = self.logits(_working_pixels(image).unsqueeze(0))
        full = nn.functional.interpolate(
            logits, size=(image.height, image.width), mode="bilinear", align_corners=False
        )
        ids = self._lookup[full[0].argmax(dim=0).cpu().numpy()]
        ids[self._doubtful(logits, ids.shape)[0]] = UNKNOWN
        return ids

    @torch.inference_mode()
    def confidences(self, image: Image.Image) -> NDArray[np.float32]:
        """How sure the segmenter is of each pixel's family of labels, at the image's size."""
        logits = self.logits(_working_pixels(image).unsqueeze(0))
        return self._confidence(logits, (image.height, image.width))[0].cpu().numpy()

    def _doubtful(self, logits: Tensor, size: tuple[int, ...]) -> NDArray[np.bool_]:
        """Pixels [N, *size] that are not sure enough to be known."""
        if self._abstention.confidence == 0:
            return np.zeros((len(logits), *size), bool)
        sure = self._confidence(logits, size) >= self._abstention.confidence
        return ~sure.cpu().numpy()

    def _confidence(self, logits: Tensor, size: tuple[int, ...]) -> Tensor:
        """Of every other row and column, which is four times cheaper and as good."""
        sure = confidence(logits[..., ::2, ::2], self._families)
        return nn.functional.interpolate(sure[:, None], size=size, mode="nearest")[:, 0]

    @torch.inference_mode()
    def logits(self, pixels: Tensor) -> Tensor:
        """Class logits [N, num_labels, H / 2, W / 2] of uint8 RGB [N, 3, H, W]."""
        images = normalise(pixels.to(self._device)).contiguous(memory_format=torch.channels_last)
        return self._network(images)


def working_size(width: int, height: int) -> tuple[int, int]:
    """Width and height of about WORKING_AREA pixels, near the aspect ratio, multiples of 32."""
    scale = (WORKING_AREA / (width * height)) ** 0.5
    longest = 4 * STRIDE * round(WORKING_AREA**0.5 / STRIDE)
    sides = (
        min(longest, max(STRIDE, STRIDE * round(side * scale / STRIDE))) for side in (width, height)
    )
    return next(sides), next(sides)


def _working_pixels(image: Image.Image) -> Tensor:
    resized = image.resize(
        working_size(image.width, image.height), Image.Resampling.BILINEAR, reducing_gap=2.0
    )
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1)


def load_small(weights: Path = SMALL_WEIGHTS, *, device: str = "cpu") -> SmallSegmenter:
    """The segmenter in a weights file, whose metadata lists its labels.

    Raises ModelUnavailable if the file is missing.
    """
    if not weights.exists():
        raise ModelUnavailable(f"the weights of the small segmenter are missing: {weights.name}")
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    with safe_open(weights, framework="pt") as file:
        labels = json.loads(file.metadata()["labels"])
        bounds = json.loads(file.metadata().get("abstention", "{}"))
        state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    network = SmallSegmenterNetwork(len(labels))
    missing, unexpected = network.load_state_dict(state, strict=False)
    assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing)
    return SmallSegmenter(
        network,
        labels,
        id=f"small@{digest[:12]}",
        device=device,
        abstention=Abstention(**bounds),
    )
