"""Adapters as their folders hold them: written, read back and checked, and joined into one.

A folder holds PEFT's two files and the card of `adapter_card`. Nothing here needs a network.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from georay.core.manifest import versions, write_atomic, write_json
from georay.models.adapter_card import (
    AdapterCard,
    LoraSettings,
    read_card,
    tensors_hash,
    write_card,
)

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
PACKAGES = ("georay", "torch", "transformers", "peft")


@dataclass(frozen=True)
class SavedAdapter:
    """An adapter as its folder holds it, whole by its own card."""

    name: str
    folder: Path
    card: AdapterCard
    weights: dict[str, torch.Tensor]


def read_saved(folder: Path, names: Sequence[str]) -> list[SavedAdapter]:
    """The named adapters that `AdapterStack.save` wrote, lowest first; needs no network.

    Raises ValueError when one is absent or damaged, or was trained above others than those named.
    """
    found: list[SavedAdapter] = []
    below: dict[str, str] = {}
    for name in names:
        place = folder / name
        card = read_card(place)
        if card.stacked_on != below:
            raise ValueError(
                f"adapter {name!r} in {place} was trained above {_named(card.stacked_on)}, "
                f"not above {_named(below)}; load the adapters that were saved together"
            )
        weights = read_weights(place)
        if tensors_hash(weights) != card.weights:
            raise ValueError(f"{place / WEIGHTS} is not the file that its card describes")
        below[name] = card.weights
        found.append(SavedAdapter(name, place, card, weights))
    return found


def join_saved(saved: Sequence[SavedAdapter], folder: Path) -> None:
    """Writes adapters as one, of the sum of their ranks, for engines that take only one at a time.

    Exact: B2·A2 + B1·A1 = [B1 B2]·[A1; A2]. The scales go into A, so alpha equals the rank. Raises
    ValueError for adapters of different places.
    """
    parts = [one.weights for one in saved]
    if any(part.keys() != parts[0].keys() for part in parts):
        raise ValueError("the adapters adapt different places; export them one by one")
    settings = [one.card.settings for one in saved]
    scales = [one.alpha / one.rank for one in settings]
    joined = {key: _join(key, [part[key] for part in parts], scales) for key in parts[0]}
    rank = sum(one.rank for one in settings)
    of_all = LoraSettings(rank=rank, alpha=rank, dropout=0.0, targets=settings[0].targets)
    card = saved[0].card
    write_adapter(folder, joined, lora_config(of_all), card.base)
    write_card(
        folder,
        AdapterCard(
            adapter="cat",
            base=card.base,
            base_fingerprint=card.base_fingerprint,
            stacked_on={},
            weights=tensors_hash(joined),
            settings=of_all,
            versions=versions(PACKAGES),
            clue_licences=_all_of(one.card.clue_licences for one in saved),
            picture_licences=_all_of(one.card.picture_licences for one in saved),
        ),
    )


def _all_of(licences: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(sorted({one for some in licences for one in some}))


def is_whole(folder: Path, names: Sequence[str]) -> bool:
    """Whether these adapters lie in a folder as their cards say, each above those before it."""
    try:
        read_saved(folder, names)
    except ValueError:
        return False
    return True


def lora_config(settings: LoraSettings) -> LoraConfig:
    """The settings as PEFT takes them."""
    targets = settings.targets
    return LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        bias="none",
    )


def _join(key: str, parts: Sequence[torch.Tensor], scales: Sequence[float]) -> torch.Tensor:
    if "lora_A" in key:
        scaled = [part.float() * scale for part, scale in zip(parts, scales, strict=True)]
        return torch.cat(scaled, dim=0)
    return torch.cat([part.float() for part in parts], dim=1)


def write_adapter(
    folder: Path, weights: Mapping[str, torch.Tensor], config: LoraConfig, base: str
) -> None:
    """Writes PEFT's two files of an adapter, each atomically; `base` as the config names it.

    Raises ValueError when the tensors are not whole.
    """
    if empty := [key for key, tensor in weights.items() if tensor.is_meta or not tensor.numel()]:
        raise ValueError(
            f"{len(empty)} adapter tensors have no values, {empty[0]} first: "
            "gather sharded weights on this process before saving"
        )
    whole = {key: tensor.cpu().contiguous() for key, tensor in weights.items()}
    write_atomic(folder / WEIGHTS, save(whole, metadata={"format": "pt"}))
    as_dict: Any = config.to_dict  # untyped in PEFT
    facts = as_dict() | {"base_model_name_or_path": base, "inference_mode": True}
    targets = facts["target_modules"]
    facts["target_modules"] = targets if isinstance(targets, str) else sorted(targets)
    write_json(folder / CONFIG, facts)


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of an adapter's folder. Raises ValueError where they are absent or damaged."""
    path = folder / WEIGHTS
    try:
        return load_file(path)
    except (OSError, SafetensorError) as problem:
        raise ValueError(f"cannot read the adapter {path}: {problem}") from None


def _named(adapters: Mapping[str, str]) -> str:
    named = [f"{name} ({weights[:12]})" for name, weights in adapters.items()]
    return " and ".join(named) or "the bare base"
