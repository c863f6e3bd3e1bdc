"""From pictures and ChatML to Qwen-VL's tensors: the same pixels in training and in serving."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from transformers import BatchFeature
from transformers.utils import cached_file

from georay.core.images import squeezed
from georay.core.manifest import write_json

from .config import QwenVLConfig, VisualConfig
from .tokenizer import IMAGE_END, IMAGE_PAD, IMAGE_START, QwenVLTokenizer

SETTINGS_FILE = "preprocessor_config.json"
MEAN = (0.48145466, 0.4578275, 0.40821073)  # of CLIP's training images, as published
STD = (0.26862954, 0.26130258, 0.27577711)

_IMAGE_SLOT = re.compile(f"{IMAGE_START}.*?{IMAGE_END}", re.DOTALL)


class QwenVLProcessor:
    """Pictures squeezed to a square, prompts with a place for each of their vectors."""

    def __init__(self, tokenizer: QwenVLTokenizer, image_size: int, n_queries: int) -> None:
        """image_size: pixels of each side. n_queries: the network's vectors of a picture."""
        self.tokenizer = tokenizer
        self.image_size = image_size
        self.n_queries = n_queries
        self._levels = normalised_levels()

    @classmethod
    def for_network(cls, tokenizer: QwenVLTokenizer, vision: VisualConfig) -> "QwenVLProcessor":
        """The processor that feeds a network with this vision side.

        Raises ValueError if the tokenizer's image tokens have other ids than the network's.
        """
        ids = tokenizer.convert_tokens_to_ids([IMAGE_START, IMAGE_END, IMAGE_PAD])
        expected = [vision.image_start_id, vision.image_end_id, vision.image_pad_id]
        if ids != expected:
            raise ValueError(
                f"the tokenizer's image tokens are {ids}, the network's {expected}: "
                "load both from the same model"
            )
        return cls(tokenizer, vision.image_size, vision.n_queries)

    @classmethod
    def from_pretrained(cls, source: str | Path, revision: str | None = None) -> "QwenVLProcessor":
        """From a folder or hub id, ours or as published (whose settings are in config.json)."""
        tokenizer = QwenVLTokenizer.from_pretrained(source, revision=revision or "main")
        settings = cached_file(
            source, SETTINGS_FILE, revision=revision, _raise_exceptions_for_missing_entries=False
        )
        if settings is None:
            config = QwenVLConfig.from_pretrained(source, revision=revision or "main")
            return cls.for_network(tokenizer, config.vision)
        values = json.loads(Path(settings).read_text(encoding="utf-8"))
        return cls(tokenizer, values["image_size"], values["n_queries"])

    def save_pretrained(self, folder: Path) -> None:
        """Write the tokenizer and the settings."""
        self.tokenizer.save_pretrained(folder)
        settings = {"image_size": self.image_size, "n_queries": self.n_queries}
        write_json(Path(folder) / SETTINGS_FILE, settings)

    def __call__(self, text: Sequence[str], images: Sequence[Image.Image]) -> BatchFeature:
        """Padded on the left: input_ids, attention_mask [batch, tokens]; pixel_values.

        Every `<img>…</img>` of the texts, in reading order, is the place of one of `images`; what
        stands between the tags (a file's name, in published prompts) is replaced.
        Raises ValueError where their numbers differ.
        """
        num_slots = sum(len(_IMAGE_SLOT.findall(prompt)) for prompt in text)
        if num_slots != len(images):
            raise ValueError(f"the prompts have places for {num_slots} images, got {len(images)}")
        features = self.words(text)
        if images:
            features["pixel_values"] = self.pixels(images)
        return BatchFeature(features)

    def words(self, text: Sequence[str]) -> dict[str, Tensor]:
        """What a call gives without `pixel_values`: for pictures whose vectors are known."""
        prompts = [self.expand(prompt) for prompt in text]
        return dict(self.tokenizer(prompts, padding=True, return_tensors="pt"))

    def expand(self, prompt: str) -> str:
        """The prompt with one <imgpad> for every vector of each picture."""
        return _IMAGE_SLOT.sub(IMAGE_START + IMAGE_PAD * self.n_queries + IMAGE_END, prompt)

    def pixels(self, images: Sequence[Image.Image]) -> Tensor:
        """[images, 3, image_size, image_size], float32: squeezed (bicubic) and normalised."""
        return torch.from_numpy(np.stack([self._pixels(image) for image in images]))

    def _pixels(self, image: Image.Image) -> NDArray[np.float32]:
        square = np.asarray(squeezed(image, self.image_size))
        return np.stack([self._levels[colour][square[..., colour]] for colour in range(3)])


def normalised_levels() -> NDArray[np.float32]:
    """What each of the 256 levels of each colour becomes: [3, 256], (level / 255 - mean) / std."""
    levels = np.arange(256, dtype=np.float32) / np.float32(255)
    mean, std = np.array(MEAN, np.float32)[:, None], np.array(STD, np.float32)[:, None]
    return (levels - mean) / std
