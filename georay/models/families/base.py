"""The interface of local model families: encode, learn from, generate.

Training, serving, decoding and evaluation hold a `Family` and never ask which network is inside.
Remote endpoints answer whole questions instead; see `families/remote.py`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from PIL import Image
from transformers import PreTrainedModel

from georay.core.prompts import Conversation
from georay.models.families.growing_cache import growing_cache

IGNORED = -100  # the label of a token that is given, not learnt
_COLDEST = 1e-6  # below it the likeliest word is chosen anyway, and logits overflow to NaN

Batch = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Exchange:
    """RGB pictures and the conversation about them, with the answer when it is to be learnt."""

    images: tuple[Image.Image, ...]
    conversation: Conversation

    def __post_init__(self) -> None:
        asked = self.conversation.num_images
        if len(self.images) != asked:
            raise ValueError(f"the conversation is about {asked} pictures, got {len(self.images)}")


@dataclass(frozen=True)
class Sampling:
    """How to choose words. Temperature 0 (or next to it) is greedy: then `top_p` plays no part.

    The paper's authors sampled with top_p 0.3, temperature 1 and at most 512 new tokens.
    """

    max_new_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1 or self.temperature < 0 or not 0 < self.top_p <= 1:
            raise ValueError(
                "sampling needs max_new_tokens ≥ 1, temperature ≥ 0 and 0 < top_p ≤ 1, "
                f"got {self.max_new_tokens}, {self.temperature} and {self.top_p}"
            )


class Family(Protocol):
    """A loaded network with the one way to feed it."""

    @property
    def network(self) -> PreTrainedModel: ...

    @property
    def tokenizer(self) -> Any:
        """The tokenizer whose ids the network reads."""

    def refusal_of(self, width: int, height: int) -> str | None:
        """Why the network takes no picture of this size, as a sentence; None if it takes it.

        Ask before `encode`, which fails for the whole batch.
        """

    def encode(self, exchanges: Sequence[Exchange]) -> Batch:
        """Prompts that end where the model speaks, padded on the left; any answer is left out."""

    def encode_for_training(self, exchanges: Sequence[Exchange]) -> Batch:
        """Prompts with answers, padded on the right, and `labels` that are IGNORED but for answers.

        Raises ValueError for an exchange without an answer.
        """

    def look(self, batch: Batch) -> Batch:
        """The batch to ask about the same pictures again: `image_features` for `pixel_values`.

        A family whose vision part cannot be asked by itself returns the batch as it is.
        """

    def ask_again(self, exchanges: Sequence[Exchange], seen: Batch, rows: Sequence[int]) -> Batch:
        """As `encode`, for exchanges about pictures of `seen`, which `look` gave.

        rows: where each exchange's picture stands in `seen`. It is not looked at again.
        """

    def generate(self, batch: Batch, sampling: Sampling) -> list[str]:
        """One answer per row of an encoded batch, without special tokens."""


def on_device_of(network: PreTrainedModel, batch: Batch) -> Batch:
    """The batch where the network is, its pixels in the network's precision."""
    return {
        name: tensor.to(network.device, network.dtype if tensor.is_floating_point() else None)
        for name, tensor in batch.items()
    }


def choice_of(sampling: Sampling) -> dict[str, Any]:
    """How transformers' `generate` is asked to choose words so."""
    if sampling.temperature < _COLDEST:
        return {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
    return {
        "do_sample": True,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": 0,
    }


def never_write(network: PreTrainedModel, tokens: Iterable[int | None]) -> None:
    """Keeps `generate` from choosing `tokens`: the places of pictures, which are no words.

    A network that wrote one would look for a picture there, and fail.
    """
    settings: Any = network.generation_config
    known = {*(settings.suppress_tokens or ()), *tokens} - {None}
    settings.suppress_tokens = sorted(known)


def generate_text(
    network: PreTrainedModel, tokenizer: Any, batch: Batch, sampling: Sampling
) -> list[str]:
    """What `network` answers to a left-padded `batch`; the body of every family's `generate`."""
    generate: Any = network.generate  # typed as a tensor by nn.Module's __getattr__
    inputs = on_device_of(network, batch)
    with torch.inference_mode():
        ids = generate(
            **inputs,
            past_key_values=growing_cache(network),
            max_new_tokens=sampling.max_new_tokens,
            **choice_of(sampling),
        )
    answers = ids[:, batch["input_ids"].shape[1] :]
    return [text.strip() for text in tokenizer.batch_decode(answers, skip_special_tokens=True)]
