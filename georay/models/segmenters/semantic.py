"""Any semantic-segmentation model of transformers: SegFormer, UperNet and others."""

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor
from transformers import AutoImageProcessor, AutoModelForSemanticSegmentation, PreTrainedModel
from transformers.image_processing_backends import PilBackend

from georay.models.segmenters.base import ClassMap, Segmenter
from georay.models.segmenters.batches import (
    batch_limit,
    equal_size_batches,
    fast_precision,
)
from georay.models.segmenters.hub import ade20k_lookup, load_or_explain, segmenter_id


class SemanticSegmenter(Segmenter):
    """Class maps from per-pixel logits, at their own resolution or, if `exact`, the image's."""

    def __init__(
        self,
        model: PreTrainedModel,
        processor: PilBackend,
        *,
        id: str,
        exact: bool = False,
        device: str = "cpu",
    ) -> None:
        self.id = id
        self._device = torch.device(device)
        self._model = model.eval().to(self._device).to(memory_format=torch.channels_last)
        self._processor = processor
        self._lookup = ade20k_lookup(model.config)
        self._exact = exact
        self._precision = torch.float32 if exact else fast_precision(self._device)

    def class_maps(self, images: Sequence[Image.Image]) -> list[ClassMap]:
        arrays = [
            self._processor(images=[image], return_tensors="pt")["pixel_values"][0]
            for image in images
        ]
        maps: dict[int, ClassMap] = {}
        for positions, batch in equal_size_batches(arrays, batch_limit(self._device)):
            for position, logits in zip(positions, self._logits(batch), strict=True):
                maps[position] = self._class_map(logits, images[position])
        return [maps[position] for position in range(len(images))]

    @torch.inference_mode()
    def _logits(self, pixels: Tensor) -> Tensor:
        pixels = pixels.to(self._device, memory_format=torch.channels_last)
        fast = self._precision is not torch.float32
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=fast):
            logits = self._model(pixel_values=pixels).logits
        return logits.float()

    def _class_map(self, logits: Tensor, image: Image.Image) -> ClassMap:
        if self._exact:
            logits = torch.nn.functional.interpolate(
                logits.unsqueeze(0), size=(image.height, image.width), mode="bilinear"
            )[0]
        return self._lookup[logits.argmax(dim=0).cpu().numpy()]


def load_semantic(
    name: str, *, revision: str | None, exact: bool, device: str
) -> SemanticSegmenter:
    """A semantic-segmentation model from the hub or a folder.

    Raises ModelUnavailable, and ValueError for classes that no table maps or a model whose
    preprocessing needs torchvision.
    """
    model = load_or_explain(
        AutoModelForSemanticSegmentation.from_pretrained,
        name,
        revision,
        use_safetensors=True,
        dtype=torch.float32,
    )
    processor = load_or_explain(AutoImageProcessor.from_pretrained, name, revision, backend="pil")
    if not isinstance(processor, PilBackend):
        raise ValueError(
            f"{name} has no image processor on the PIL backend: choose SegFormer, UperNet or "
            "MaskFormer"
        )
    return SemanticSegmenter(
        model, processor, id=segmenter_id(name, revision), exact=exact, device=device
    )
