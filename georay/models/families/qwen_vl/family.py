"""Qwen-VL behind the interface that every family shares."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch
from PIL import Image
from torch.nn.utils.rnn import pad_sequence

from georay.core.prompts import Conversation, qwen_vl_text
from georay.models.families.base import (
    IGNORED,
    Batch,
    Exchange,
    Sampling,
    generate_text,
    never_write,
    on_device_of,
)

from .model import QwenVLForConditionalGeneration
from .processor import QwenVLProcessor
from .tokenizer import QwenVLTokenizer


class QwenVLFamily:
    """A Qwen-VL network with its processor; see `families.base.Family`."""

    def __init__(self, network: QwenVLForConditionalGeneration, processor: QwenVLProcessor) -> None:
        self.network = network
        self.processor = processor
        # Published settings end an answer with the text only; a chat answer ends with the turn.
        network.generation_config.eos_token_id = processor.tokenizer.stop_token_ids
        network.generation_config.pad_token_id = processor.tokenizer.pad_token_id
        never_write(network, [network.config.vision.image_pad_id])

    @classmethod
    def from_pretrained(
        cls, source: str | Path, revision: str | None = None, dtype: torch.dtype = torch.float32
    ) -> Self:
        """Network and processor from a folder or a hub id, its weights in safetensors alone."""
        network = QwenVLForConditionalGeneration.from_pretrained(
            source, revision=revision or "main", dtype=dtype, use_safetensors=True
        )
        return cls(network.eval(), QwenVLProcessor.from_pretrained(source, revision))

    @property
    def tokenizer(self) -> QwenVLTokenizer:
        """The tokenizer whose ids the network reads."""
        return self.processor.tokenizer

    def refusal_of(self, width: int, height: int) -> str | None:  # noqa: ARG002
        """None: pictures of any size are squeezed to one square."""
        return None

    def encode(self, exchanges: Sequence[Exchange]) -> Batch:
        """Prompts that end where the model speaks, padded on the left; any answer is left out."""
        return dict(self.processor(_prompts(exchanges), _all_images(exchanges)))

    def encode_for_training(self, exchanges: Sequence[Exchange]) -> Batch:
        """Prompts with answers, padded on the right, and `labels` that are IGNORED but for answers.

        Raises ValueError for an exchange without an answer.
        """
        batch = self.encode_text_for_training([exchange.conversation for exchange in exchanges])
        return batch | {"pixel_values": self.processor.pixels(_all_images(exchanges))}

    def encode_text_for_training(self, conversations: Sequence[Conversation]) -> Batch:
        """As `encode_for_training` without `pixel_values`: for pictures whose vectors are known.

        Raises ValueError for a conversation without an answer.
        """
        rows = [self.learnt_ids(conversation) for conversation in conversations]
        ids = [torch.tensor(context + target) for context, target in rows]
        labels = [torch.tensor([IGNORED] * len(context) + target) for context, target in rows]
        return {
            "input_ids": pad_sequence(ids, True, float(self.tokenizer.pad_token_id)),
            "attention_mask": pad_sequence([torch.ones_like(row) for row in ids], True),
            "labels": pad_sequence(labels, True, float(IGNORED)),
        }

    def look(self, batch: Batch) -> Batch:
        """`image_features` for `pixel_values`: what the vision part makes of the pictures."""
        pixels = on_device_of(self.network, {"pixel_values": batch["pixel_values"]})
        with torch.inference_mode():
            features = self.network.transformer.visual(pixels["pixel_values"])
        words = {name: tensor for name, tensor in batch.items() if name != "pixel_values"}
        return words | {"image_features": features}

    def ask_again(self, exchanges: Sequence[Exchange], seen: Batch, rows: Sequence[int]) -> Batch:
        """Prompts as `encode` gives them, with the `image_features` of these rows of `seen`."""
        words = self.processor.words(_prompts(exchanges))
        return words | {"image_features": seen["image_features"][list(rows)]}

    def generate(self, batch: Batch, sampling: Sampling) -> list[str]:
        """One answer per row of an encoded batch, without special tokens."""
        return generate_text(self.network, self.tokenizer, batch, sampling)

    def learnt_ids(self, conversation: Conversation) -> tuple[list[int], list[int]]:
        """Ids of the given part and of the answer with its end, tokenised apart as in inference.

        Raises ValueError for a conversation without an answer.
        """
        if conversation.answer is None:
            raise ValueError("training needs an answer in every conversation")
        text = qwen_vl_text(conversation)
        context = self.tokenizer(self.processor.expand(text.context))["input_ids"]
        return context, self.tokenizer(text.target)["input_ids"]


def _prompts(exchanges: Sequence[Exchange]) -> list[str]:
    return [qwen_vl_text(exchange.conversation).context for exchange in exchanges]


def _all_images(exchanges: Sequence[Exchange]) -> list[Image.Image]:
    return [image for exchange in exchanges for image in exchange.images]
