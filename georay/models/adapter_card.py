"""The card of an adapter: the base weights it was trained on, its settings and its hash.

An adapter is a difference. Added to another base, or to another adapter than the one it was trained
above, it gives confident nonsense without any error; the card is what lets a stack refuse that.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from georay.core.manifest import write_json
from georay.core.paths import AnyPath

CARD = "card.json"
_SAMPLED = 16_384  # values per tensor: any fine-tuning moves some of them, and 10 B weigh 20 MB


class LoraSettings(BaseModel):
    """Rank, scale, dropout and places of one LoRA adapter.

    targets: names that end a module's path, or one regular expression for whole paths.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int
    alpha: int
    dropout: float
    targets: tuple[str, ...] | str


class AdapterCard(BaseModel):
    """What must hold for an adapter to mean what it meant when it was trained.

    clue_licences, picture_licences: "source: licence" of the clues and pictures that it learnt
    from, whose terms it carries.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    adapter: str
    base: str
    base_fingerprint: str
    stacked_on: dict[str, str]  # name -> weights hash of each adapter below it, lowest first
    weights: str
    settings: LoraSettings
    versions: dict[str, str]
    clue_licences: tuple[str, ...] = ()
    picture_licences: tuple[str, ...] = ()


def write_card(folder: AnyPath, card: AdapterCard) -> None:
    """Writes the card atomically beside the adapter's weights."""
    write_json(folder / CARD, card.model_dump(mode="json"))


def read_card(folder: AnyPath) -> AdapterCard:
    """The card in an adapter's folder; raises ValueError when it is absent or not a card."""
    path = folder / CARD
    try:
        return AdapterCard.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError:
        raise ValueError(
            f"{folder} has no {CARD}, so nothing says which base model it was trained on; "
            "save adapters with AdapterStack.save, or take a published one with AdapterStack.adopt"
        ) from None
    except (json.JSONDecodeError, ValidationError) as problem:
        raise ValueError(f"{path} is not an adapter card: {problem}") from None


def tensors_hash(tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over names, types, shapes and every value, whatever the order."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def base_fingerprint(parameters: Iterable[tuple[str, torch.nn.Parameter]]) -> str:
    """A hash that tells one set of base weights from another in about a second.

    Takes every tensor's name and shape and up to 16,384 evenly spaced values of it, rounded to
    bfloat16, so that the same weights loaded in float32 or bfloat16 have the same fingerprint.
    Compute it before the weights are sharded. Weights on the meta device have no values and are
    told apart by names and shapes only.
    """
    digest = hashlib.sha256()
    for name, parameter in sorted(parameters, key=lambda item: item[0]):
        digest.update(f"{name} {tuple(parameter.shape)}\n".encode())
        if parameter.is_meta:
            continue
        flat = parameter.detach().flatten()
        sample = flat[:: max(1, flat.numel() // _SAMPLED)]
        rounded = sample.to(torch.bfloat16).contiguous().view(torch.uint8).cpu()
        digest.update(rounded.numpy().data)
    return digest.hexdigest()
