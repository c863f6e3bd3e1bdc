"""Object detection of transformers: where in a picture something is that must be blurred."""

from collections.abc import Collection
from pathlib import Path

import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForObjectDetection

from georay.errors import ModelUnavailable

Box = tuple[float, float, float, float]


class ObjectDetector:
    """A detection network from a local folder, or from the hub at a pinned revision.

    labels: the classes that count; all of them if none is named. threshold: from which certainty.
    Raises ValueError for a hub id without a revision or a label that the network does not know,
    ModelUnavailable if it cannot be loaded.
    """

    def __init__(
        self, model: str, revision: str | None, labels: Collection[str], threshold: float
    ) -> None:
        if revision is None and not Path(model).is_dir():
            raise ValueError(f"{model} is a hub id, so it needs a revision: give its full commit")
        try:
            self._processor = AutoImageProcessor.from_pretrained(
                model, revision=revision, backend="pil"
            )
            network = AutoModelForObjectDetection.from_pretrained(
                model, revision=revision, use_safetensors=True
            )
        except (OSError, ValueError) as problem:
            cause = str(problem).strip().splitlines()[0]
            raise ModelUnavailable(f"cannot load the detector {model}: {cause}") from problem
        self._network = network.eval()
        self._threshold = threshold
        self._classes = _classes(network.config.id2label, labels, model)

    def boxes(self, image: Image.Image) -> list[Box]:
        """Left, top, right and bottom of what is found, in pixels."""
        inputs = self._processor(images=image, return_tensors="pt")
        with torch.inference_mode():
            outputs = self._network(**inputs)
        (found,) = self._processor.post_process_object_detection(
            outputs, threshold=self._threshold, target_sizes=[(image.height, image.width)]
        )
        numbered = zip(found["labels"].tolist(), found["boxes"].tolist(), strict=True)
        return [_box(box) for label, box in numbered if label in self._classes]


def _classes(names: dict[int, str], labels: Collection[str], model: str) -> set[int]:
    if unknown := set(labels) - set(names.values()):
        raise ValueError(
            f"{model} knows no {', '.join(sorted(unknown))}: choose of {', '.join(names.values())}"
        )
    return {number for number, name in names.items() if not labels or name in labels}


def _box(corners: list[float]) -> Box:
    left, top, right, bottom = corners
    return left, top, right, bottom
