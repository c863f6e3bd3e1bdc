"""CLIP: pictures and sentences as unit vectors of one space, from the hub or a local folder."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from georay.core.images import ImageLimits, decode
from georay.core.storage import read_bytes
from georay.errors import ModelUnavailable, UnreadableImage

_LIMITS = ImageLimits()
_BATCH = 32


class ClipEncoder:
    """Raises ModelUnavailable if the model cannot be loaded.

    model: a hub id or a folder of transformers' CLIP; revision: the commit of a hub id.
    """

    def __init__(self, model: str, revision: str | None = None, device: str = "cpu") -> None:
        from transformers import AutoTokenizer, CLIPImageProcessorPil, CLIPModel

        try:
            self._model = CLIPModel.from_pretrained(model, revision=revision, use_safetensors=True)
            self._tokenizer = AutoTokenizer.from_pretrained(model, revision=revision)
            self._processor = CLIPImageProcessorPil.from_pretrained(model, revision=revision)
        except (OSError, ValueError) as problem:
            cause = str(problem).strip().splitlines()[0]
            raise ModelUnavailable(
                f"cannot load the CLIP model {model}: {cause}\nGive the folder of a downloaded "
                "one, or leave `pairing.clip` out."
            ) from problem
        self._model.to(device).eval()
        self._device = device
        self.id = f"{model}@{revision}" if revision else model

    @torch.inference_mode()
    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [num_texts, dimensions]; texts are cut to what CLIP reads."""
        vectors = []
        for start in range(0, len(texts), _BATCH):
            tokens = self._tokenizer(
                list(texts[start : start + _BATCH]),
                padding=True,
                truncation=True,
                max_length=self._model.config.text_config.max_position_embeddings,
                return_tensors="pt",
            ).to(self._device)
            vectors.append(_units(self._model.get_text_features(**tokens)))
        return np.concatenate(vectors)

    def encode_pictures(self, uris: Sequence[str]) -> list[NDArray[np.float32] | None]:
        """A unit vector of each picture, None for one that cannot be read."""
        found: list[NDArray[np.float32] | None] = []
        for start in range(0, len(uris), _BATCH):
            pictures = [_open(uri) for uri in uris[start : start + _BATCH]]
            vectors = iter(self._encode([one for one in pictures if one is not None]))
            found += [None if one is None else next(vectors) for one in pictures]
        return found

    @torch.inference_mode()
    def _encode(self, pictures: list[Image.Image]) -> NDArray[np.float32]:
        if not pictures:
            return np.empty((0, 0), np.float32)
        pixels = self._processor(pictures, return_tensors="pt").to(self._device)
        return _units(self._model.get_image_features(**pixels))


def _units(output: object) -> NDArray[np.float32]:
    """Rows of length one. transformers 5 wraps the features in an output object."""
    features = getattr(output, "pooler_output", output)
    assert isinstance(features, torch.Tensor)
    return np.asarray(torch.nn.functional.normalize(features.float(), dim=-1).cpu().numpy())


def _open(uri: str) -> Image.Image | None:
    try:
        raw = read_bytes(uri, _LIMITS.max_bytes)
        return decode(raw, _LIMITS).image
    except (OSError, ValueError, UnreadableImage):
        return None
