"""Loads the family of a model's id or folder; every local network is loaded here."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import PreTrainedConfig

from georay.core.fetched import name_here
from georay.core.storage import is_uri
from georay.errors import ModelUnavailable
from georay.models.families.base import Family
from georay.models.families.chat import MODEL_TYPES, ChatFamily
from georay.models.families.qwen_vl import QwenVLFamily
from georay.models.placement import folder_precision
from georay.models.registry import REGISTRY, Precision

_QWEN_VL = "qwen"
_ANY_DEVICE = "cpu"  # of a name that is only looked at, not loaded


def load_family(
    name: str,
    *,
    revision: str | None = None,
    precision: Precision | None = None,
    max_pixels: int | None = None,
    device: str = "cpu",
) -> Family:
    """The family of a registered id, of a folder or its uri, or of a hub id with its revision.

    The registry's revision, precision and max_pixels hold unless others are given; a folder keeps
    the bound it was saved with and is loaded in `folder_precision`, an unregistered hub id in
    bfloat16.
    max_pixels: the most that Qwen2.5-VL and Qwen3-VL see of a picture; the others' size is fixed.
    Raises ValueError for a hub id without a revision and for a network that no family reads;
    ModelUnavailable when the weights are neither here nor reachable, or damaged.
    """
    source, revision, precision = _resolved(name, revision, precision, device)
    family: Family
    try:
        if _known_type(name, source, revision) == _QWEN_VL:
            family = QwenVLFamily.from_pretrained(source, revision, getattr(torch, precision))
        else:
            family = ChatFamily.from_pretrained(
                source, revision, getattr(torch, precision), max_pixels or _max_pixels(name)
            )
    except OSError as problem:
        raise ModelUnavailable(_advice(name, problem)) from problem
    except SafetensorError as problem:
        again = "fetch or save them again"
        raise ModelUnavailable(
            f"the weights of {name} are damaged ({problem}); {again}"
        ) from problem
    network: Any = family.network  # PreTrainedModel.to is untyped
    network.to(device)
    return family


def check_name(name: str, revision: str | None = None) -> None:
    """Raises ValueError for a name that names no model on any machine; asks no hub.

    A folder is taken at its word: it may lie on other machines than this.
    """
    if not is_uri(name) and not _is_path(name):
        _resolved(name, revision, None, _ANY_DEVICE)


def check_type(name: str, revision: str | None = None) -> None:
    """Raises what `load_family` raises, as far as a model's configuration shows it."""
    source, revision, _ = _resolved(name, revision, None, _ANY_DEVICE)
    try:
        _known_type(name, source, revision)
    except OSError as problem:
        raise ModelUnavailable(_advice(name, problem)) from problem


def _resolved(
    name: str, revision: str | None, precision: Precision | None, device: str
) -> tuple[str, str | None, Precision]:
    """Where to load from, at which revision and in which precision."""
    name = name_here(name)
    if spec := REGISTRY.get(name):
        source = name if spec.folder is None else str(spec.folder)
        return source, revision or spec.revision, precision or spec.precision
    if name and Path(name).is_dir():
        return name, None, precision or folder_precision(Path(name), device)
    if _is_path(name) or "/" not in name:
        raise ValueError(
            f"no folder {name!r}, and no such model: give a folder, a hub id with its revision, "
            f"or one of {', '.join(REGISTRY)}"
        )
    if revision is None:
        raise ValueError(
            f"{name} is not in the registry: give `revision`, a full commit id, so that everyone "
            "loads the same weights"
        )
    return name, revision, precision or "bfloat16"


def _is_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or name.count("/") > 1


def _max_pixels(name: str) -> int | None:
    spec = REGISTRY.get(name)
    return spec.max_pixels if spec else None


def _known_type(name: str, source: str, revision: str | None) -> str:
    """The model type that the configuration says; raises ValueError for one that is not read."""
    config, _ = PreTrainedConfig.get_config_dict(source, revision=revision or "main")
    model_type = config.get("model_type")
    if model_type is None:
        raise ValueError(f"{name} holds no config.json that says a model's type: is it a model?")
    if model_type != _QWEN_VL and model_type not in MODEL_TYPES:
        raise ValueError(
            f"{name} is a {model_type!r} model; georay reads {_QWEN_VL!r} (Qwen-VL) and "
            f"{', '.join(map(repr, MODEL_TYPES))}"
        )
    return str(model_type)


def _advice(name: str, problem: OSError) -> str:
    spec = REGISTRY.get(name)
    reason = str(problem).strip().partition("\n")[0]
    if spec is not None and spec.folder is not None:
        return f"the weights of {name!r} are not in this installation: {reason}"
    if "safetensors" in reason:
        return (
            f"cannot load {name}: it has no safetensors, and georay loads nothing else. If its "
            f"weights are .bin shards: georay convert {name} --out FOLDER, then use that folder"
        )
    instead = f", or use its small twin {spec.twin!r}" if spec and spec.twin else ""
    return (
        f"cannot load {name}: {reason}. Connect to the model hub once, give a folder that holds "
        f"the weights{instead}"
    )
