"""Qwen2.5-VL, Qwen3-VL and LLaVA behind the interface that every family shares."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from transformers import AutoConfig, AutoModelForImageTextToText, PreTrainedModel

from georay.models.families.base import Batch, Exchange, Sampling, generate_text, never_write
from georay.models.families.chat_processor import ChatProcessor

_PICTURE_TOKENS = ("image_token_id", "video_token_id")  # as configurations name them
MODEL_TYPES = ("qwen2_5_vl", "qwen3_vl", "llava")


class ChatFamily:
    """A chat network with its processor; see `families.base.Family`."""

    def __init__(self, network: PreTrainedModel, processor: ChatProcessor) -> None:
        self.network = network
        self.processor = processor
        # The answer learnt ends with the tokenizer's end; published settings may add others.
        settings: Any = network.generation_config
        published = settings.eos_token_id
        ends = published if isinstance(published, list) else [published]
        known = {end for end in ends if end is not None}
        settings.eos_token_id = sorted(known | {processor.tokenizer.eos_token_id})
        settings.pad_token_id = processor.tokenizer.pad_token_id
        pictures = [getattr(network.config, name, None) for name in _PICTURE_TOKENS]
        never_write(network, pictures)

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path,
        revision: str | None = None,
        dtype: torch.dtype = torch.float32,
        max_pixels: int | None = None,
    ) -> Self:
        """Network and processor from a folder or a hub id; weights from safetensors only.

        Raises ValueError for a model of another type.
        """
        config = AutoConfig.from_pretrained(source, revision=revision or "main")
        if config.model_type not in MODEL_TYPES:
            raise ValueError(
                f"{source} is a {config.model_type!r} model; chat families are {MODEL_TYPES}"
            )
        processor = ChatProcessor.from_pretrained(source, config, revision, max_pixels)
        network: Any = AutoModelForImageTextToText.from_pretrained(
            source, revision=revision or "main", dtype=dtype, use_safetensors=True
        )
        return cls(network.eval(), processor)

    def save_pretrained(self, folder: Path) -> None:
        """Writes all that `from_pretrained` reads."""
        self.network.save_pretrained(folder)
        self.processor.save_pretrained(folder)

    @property
    def tokenizer(self) -> Any:
        """The tokenizer whose ids the network reads."""
        return self.processor.tokenizer

    def refusal_of(self, width: int, height: int) -> str | None:
        """Why the network takes no picture of this size, as a sentence; None if it takes it."""
        return self.processor.pictures.refusal_of(width, height)

    def encode(self, exchanges: Sequence[Exchange]) -> Batch:
        """Prompts that end where the model speaks, padded on the left; any answer is left out."""
        return self.processor.encode(exchanges)

    def encode_for_training(self, exchanges: Sequence[Exchange]) -> Batch:
        """Prompts with answers, padded on the right, and `labels` that are IGNORED but for answers.

        Raises ValueError for an exchange without an answer.
        """
        return self.processor.encode_for_training(exchanges)

    def look(self, batch: Batch) -> Batch:
        """The batch as it is: these networks look while they read."""
        return batch

    def ask_again(
        self,
        exchanges: Sequence[Exchange],
        seen: Batch,  # noqa: ARG002
        rows: Sequence[int],  # noqa: ARG002
    ) -> Batch:
        """As `encode`: nothing was seen before."""
        return self.encode(exchanges)

    def generate(self, batch: Batch, sampling: Sampling) -> list[str]:
        """One answer per row of an encoded batch, without special tokens."""
        return generate_text(self.network, self.tokenizer, batch, sampling)
