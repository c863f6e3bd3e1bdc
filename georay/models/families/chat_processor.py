"""Pictures and chat templates to tensors, for Qwen2.5-VL, Qwen3-VL and LLaVA, on PIL alone.

transformers' own Qwen processors need torchvision because of video; this one has no video, and
gives training and serving the same pixels wherever it runs.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self

import torch
from PIL import Image
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoTokenizer, PreTrainedConfig
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.utils.hub import cached_file

from georay.core.prompts import Conversation, chat_messages
from georay.models.families.base import IGNORED, Batch, Exchange

MAX_SIDE_RATIO = 200
"""Of a picture's sides: the Qwen processors raise beyond it, and LLaVA's enlarges without bound."""
TEMPLATE_FILES = ("chat_template.jinja", "chat_template.json")


class Pictures(Protocol):
    """How a family reads pictures."""

    needs_token_types: bool  # whether the network is told which tokens are pictures

    def refusal_of(self, width: int, height: int) -> str | None:
        """Why no picture of this size can be read, as a sentence; None if it can."""

    def read(self, images: Sequence[Image.Image]) -> tuple[Batch, list[int]]:
        """The network's inputs for all pictures, and how many tokens each of them takes."""

    def save_pretrained(self, folder: Path) -> None:
        """Writes the settings beside the network's."""


class GridPictures:
    """Qwen2.5-VL and Qwen3-VL: any size and shape, cut into patches."""

    needs_token_types = True

    def __init__(self, processor: Qwen2VLImageProcessorPil) -> None:
        self._processor = processor

    def refusal_of(self, width: int, height: int) -> str | None:
        """Says so of a picture that is longer than MAX_SIDE_RATIO times its shorter side."""
        return _refusal_of_ratio(width, height)

    def read(self, images: Sequence[Image.Image]) -> tuple[Batch, list[int]]:
        """pixel_values [patches, values], image_grid_thw [images, 3] in patches."""
        features = dict(self._processor(list(images), return_tensors="pt"))
        patches = features["image_grid_thw"].prod(dim=1)
        return features, (patches // self._processor.merge_size**2).tolist()

    def save_pretrained(self, folder: Path) -> None:
        self._processor.save_pretrained(folder)


class SquarePictures:
    """LLaVA: the shorter side to the tower's size, and the middle square of that."""

    needs_token_types = False

    def __init__(self, processor: CLIPImageProcessorPil, num_tokens: int) -> None:
        self._processor = processor
        self._num_tokens = num_tokens

    def refusal_of(self, width: int, height: int) -> str | None:
        """As `GridPictures`: with the shorter side enlarged, the longer would have no bound."""
        return _refusal_of_ratio(width, height)

    def read(self, images: Sequence[Image.Image]) -> tuple[Batch, list[int]]:
        """pixel_values [images, 3, height, width]."""
        features = dict(self._processor(list(images), return_tensors="pt"))
        return features, [self._num_tokens] * len(images)

    def save_pretrained(self, folder: Path) -> None:
        self._processor.save_pretrained(folder)


def _refusal_of_ratio(width: int, height: int) -> str | None:
    shorter, longer = sorted((width, height))
    if longer <= MAX_SIDE_RATIO * shorter:
        return None
    return (
        f"the picture is {width:,}×{height:,} pixels, and the model takes none whose longer side "
        f"is more than {MAX_SIDE_RATIO} times the shorter; crop it"
    )


@dataclass(frozen=True)
class _Row:
    """A tokenised exchange: its ids, and how many of them are given rather than learnt."""

    ids: list[int]
    num_given: int


class ChatProcessor:
    """The one way from exchanges to a chat network's tensors, in training and in serving."""

    def __init__(
        self, tokenizer: Any, template: str, pictures: Pictures, image_token_id: int
    ) -> None:
        """template: the model's own chat template; it leaves one image token per picture."""
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        self.tokenizer = tokenizer
        self.pictures = pictures
        self._template = template
        self._image_token_id = image_token_id
        self._image_token = tokenizer.convert_ids_to_tokens(image_token_id)

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path,
        config: PreTrainedConfig,
        revision: str | None = None,
        max_pixels: int | None = None,
    ) -> Self:
        """For the network of `config`, from the folder or hub id that holds it.

        max_pixels: the most that Qwen networks see of a picture; without it, as published.
        Raises ValueError for a model type that is not here, or for no chat template.
        """
        where: dict[str, Any] = {"revision": revision or "main"}
        tokenizer = AutoTokenizer.from_pretrained(source, **where)
        template = _published_template(source, revision) or tokenizer.chat_template
        if not isinstance(template, str):
            raise ValueError(f"{source} has no chat template: is it a base model?")
        pictures: Pictures
        if config.model_type in ("qwen2_5_vl", "qwen3_vl"):
            grid = Qwen2VLImageProcessorPil.from_pretrained(source, **where)
            if max_pixels is not None:
                grid.size = replace(grid.size, longest_edge=max_pixels)
            pictures = GridPictures(grid)
        elif config.model_type == "llava":
            square = CLIPImageProcessorPil.from_pretrained(source, **where)
            pictures = SquarePictures(square, llava_tokens(config))
        else:
            raise ValueError(f"no chat family for model type {config.model_type!r}")
        return cls(tokenizer, template, pictures, config.image_token_id)

    def save_pretrained(self, folder: Path) -> None:
        """Writes tokenizer, chat template and picture settings."""
        self.tokenizer.chat_template = self._template
        self.tokenizer.save_pretrained(folder)
        self.pictures.save_pretrained(folder)

    def encode(self, exchanges: Sequence[Exchange]) -> Batch:
        """Prompts that end where the model speaks, padded on the left; any answer is left out."""
        features, counts = self._read(exchanges)
        asked = [replace(exchange.conversation, answer=None) for exchange in exchanges]
        rows = [
            torch.tensor(self._ids(self._render(conversation), expected))
            for conversation, expected in zip(asked, counts, strict=True)
        ]
        return self._padded(rows, "left") | features

    def encode_for_training(self, exchanges: Sequence[Exchange]) -> Batch:
        """Prompts with answers, padded on the right, and `labels` that are IGNORED but for answers.

        Raises ValueError for an exchange without an answer.
        """
        features, counts = self._read(exchanges)
        rows = [
            self._learnt(exchange.conversation, expected)
            for exchange, expected in zip(exchanges, counts, strict=True)
        ]
        labels = [
            torch.tensor([IGNORED] * row.num_given + row.ids[row.num_given :]) for row in rows
        ]
        batch = self._padded([torch.tensor(row.ids) for row in rows], "right") | features
        return batch | {"labels": pad_sequence(labels, True, float(IGNORED))}

    def _read(self, exchanges: Sequence[Exchange]) -> tuple[Batch, list[list[int]]]:
        """The pictures' tensors, and per exchange how many tokens each of its pictures takes."""
        images = [image.convert("RGB") for exchange in exchanges for image in exchange.images]
        features, counts = self.pictures.read(images)
        remaining = iter(counts)
        return features, [[next(remaining) for _ in exchange.images] for exchange in exchanges]

    def _render(self, conversation: Conversation) -> str:
        """The template's text; without an answer it ends where the model speaks."""
        text = self.tokenizer.apply_chat_template(
            chat_messages(conversation),
            chat_template=self._template,
            add_generation_prompt=conversation.answer is None,
            tokenize=False,
        )
        assert isinstance(text, str)
        return text

    def _learnt(self, conversation: Conversation, counts: Sequence[int]) -> _Row:
        """Given and learnt ids; what is learnt ends with the token that ends an answer.

        Tokenised as one text, since some tokenizers put a space before a text of its own.
        """
        if conversation.answer is None:
            raise ValueError("training needs an answer in every conversation")
        given = self._render(replace(conversation, answer=None))
        whole, found, _ = self._render(conversation).rpartition(conversation.answer)
        if not found or not whole.startswith(given):
            raise ValueError("the chat template writes a conversation differently with an answer")
        whole += conversation.answer + self.tokenizer.eos_token
        given_ids, ids = self._ids(given, counts), self._ids(whole, counts)
        if ids[: len(given_ids)] != given_ids:
            raise ValueError(f"the answer {conversation.answer[:40]!r} melts into the prompt's end")
        return _Row(ids, len(given_ids))

    def _ids(self, text: str, counts: Sequence[int]) -> list[int]:
        """Token ids with every image token repeated as often as its picture takes tokens."""
        pieces = text.split(self._image_token)
        if len(pieces) != len(counts) + 1:
            raise ValueError(
                f"the chat template has {len(pieces) - 1} places for {len(counts)} pictures"
            )
        filled = pieces[0]
        for count, piece in zip(counts, pieces[1:], strict=True):
            filled += self._image_token * count + piece
        bos = self.tokenizer.bos_token
        starts = bool(bos) and text.startswith(bos)  # then the tokenizer must not add a second
        ids: list[int] = self.tokenizer(filled, add_special_tokens=not starts)["input_ids"]
        return ids

    def _padded(self, rows: Sequence[torch.Tensor], side: str) -> Batch:
        pad = float(self.tokenizer.pad_token_id)
        ids = pad_sequence(list(rows), True, pad, padding_side=side)
        mask = pad_sequence([torch.ones_like(row) for row in rows], True, padding_side=side)
        batch = {"input_ids": ids, "attention_mask": mask}
        if self.pictures.needs_token_types:
            batch["mm_token_type_ids"] = (ids == self._image_token_id).to(torch.int32)
        return batch


def llava_tokens(config: PreTrainedConfig) -> int:
    """Tokens of a picture in LLaVA: one per patch, and one more where the class token stays."""
    vision = config.vision_config
    patches: int = (vision.image_size // vision.patch_size) ** 2
    return patches if config.vision_feature_select_strategy == "default" else patches + 1


def _published_template(source: str | Path, revision: str | None) -> str | None:
    """The chat template in a file of its own, where processors keep it, if there is one."""
    for name in TEMPLATE_FILES:
        found = cached_file(
            str(source), name, revision=revision, _raise_exceptions_for_missing_entries=False
        )
        if found is None:
            continue
        text = Path(found).read_text(encoding="utf-8")
        return str(json.loads(text)["chat_template"]) if name.endswith(".json") else text
    return None
