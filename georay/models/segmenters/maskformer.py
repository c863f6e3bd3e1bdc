"""MaskFormer (Cheng et al. 2021), the segmenter of the paper's section 3.1."""

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor
from transformers import MaskFormerForInstanceSegmentation, MaskFormerImageProcessorPil
from transformers.models.maskformer.modeling_maskformer import (
    MaskFormerForInstanceSegmentationOutput,
)

from georay.models.segmenters.base import ClassMap, Segmenter
from georay.models.segmenters.batches import (
    batch_limit,
    equal_size_batches,
    fast_precision,
)
from georay.models.segmenters.hub import ade20k_lookup, load_or_explain, segmenter_id


class MaskFormerSegmenter(Segmenter):
    """Class maps from MaskFormer's queries.

    By default the class of a pixel is decided at the resolution of the mask logits, a quarter
    of the network's input: areas need no more, and the 150 full-size maps that transformers
    builds first cost about as much as a quarter of the network. `exact` takes that road, in
    float32; the other one computes in bfloat16 where the device does so natively.
    """

    def __init__(
        self,
        model: MaskFormerForInstanceSegmentation,
        processor: MaskFormerImageProcessorPil,
        *,
        id: str,
        exact: bool = False,
        device: str = "cpu",
    ) -> None:
        self.id = id
        self._device = torch.device(device)
        self._model = model.eval().to(self._device).to(memory_format=torch.channels_last)
        self._model.config.use_auxiliary_loss = False
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
            sizes = [(images[position].height, images[position].width) for position in positions]
            maps.update(zip(positions, self._segment(batch, sizes), strict=True))
        return [maps[position] for position in range(len(images))]

    @torch.inference_mode()
    def _segment(self, pixels: Tensor, sizes: Sequence[tuple[int, int]]) -> list[ClassMap]:
        pixels = pixels.to(self._device, memory_format=torch.channels_last)
        fast = self._precision is not torch.float32
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=fast):
            output = self._model(pixel_values=pixels)
        if self._exact:
            ids = self._processor.post_process_semantic_segmentation(
                output, target_sizes=list(sizes)
            )
        else:
            ids = list(reduced_class_ids(output))
        return [self._lookup[image.cpu().numpy()] for image in ids]


def reduced_class_ids(output: MaskFormerForInstanceSegmentationOutput) -> Tensor:
    """The model's class id of each pixel at the mask logits' resolution, [N, h, w].

    Sum over queries of class probability × mask probability, then the largest: what
    transformers computes before it enlarges the maps. Pixels come first in the product, so
    that the largest of the classes is found in contiguous memory.
    """
    classes = output.class_queries_logits.float().softmax(dim=-1)[..., :-1]
    masks = output.masks_queries_logits.float().sigmoid()
    scores = masks.flatten(2).transpose(1, 2) @ classes
    return scores.argmax(dim=-1).unflatten(1, masks.shape[-2:])


def load_maskformer(
    name: str, *, revision: str | None, exact: bool, device: str
) -> MaskFormerSegmenter:
    """A MaskFormer from the hub or a folder; raises ModelUnavailable and ValueError."""
    model = load_or_explain(
        MaskFormerForInstanceSegmentation.from_pretrained,
        name,
        revision,
        use_safetensors=True,
        dtype=torch.float32,
    )
    processor = load_or_explain(MaskFormerImageProcessorPil.from_pretrained, name, revision)
    return MaskFormerSegmenter(
        model, processor, id=segmenter_id(name, revision), exact=exact, device=device
    )
