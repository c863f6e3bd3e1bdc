"""Decides the device and the precision of a model, and says why."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from georay.core.fetched import name_here
from georay.errors import ModelUnavailable
from georay.models.registry import BYTES, REGISTRY, Machine, ModelSpec, Precision, place_for


@dataclass(frozen=True)
class Placement:
    """A torch device and a precision, with the reason for a log."""

    device: str
    precision: Precision
    reason: str


def choose_placement(model: str, machine: Machine) -> Placement:
    """The best place for a registered id, a folder or another hub id on this machine.

    Raises ModelUnavailable for a registered model that fits nowhere here, or whose weights the
    package does not hold.
    """
    spec = REGISTRY.get(model)
    if spec is None:
        return _unregistered(model, machine)
    if spec.folder is not None and not spec.folder.is_dir():
        raise ModelUnavailable(
            f"the weights of {spec.id!r} are not in this installation. Name another model, for "
            f"instance {_smallest_of_the_hub().id}, or a folder that holds weights; "
            "`georay models` lists what fits this machine"
        )
    fits = place_for(spec, machine)
    if fits is None:
        raise ModelUnavailable(
            f"{spec.id} needs {spec.memory_gib:g} GiB, and this machine has "
            f"{machine.memory_gib:.0f} GiB of memory; `georay models` lists what fits here"
        )
    return _on_gpu(spec, machine) if fits == "GPU" else _on_cpu(spec, machine)


def _on_gpu(spec: ModelSpec, machine: Machine) -> Placement:
    index = next(n for n, memory in enumerate(machine.gpus_gib) if spec.memory_gib <= memory)
    return Placement(
        f"cuda:{index}",
        spec.precision,
        f"{spec.id} needs {spec.memory_gib:g} of the GPU's {machine.gpus_gib[index]:.0f} GiB",
    )


def _on_cpu(spec: ModelSpec, machine: Machine) -> Placement:
    """CPUs are slow in half precision: float32 where the memory allows it."""
    why = "no GPU is large enough" if machine.gpus_gib else "there is no GPU"
    wide = 1.2 * spec.num_parameters * BYTES["float32"] / 2**30 + 0.5
    if wide <= machine.memory_gib:
        return Placement("cpu", "float32", f"{why}; {wide:.1f} GiB of memory hold it in float32")
    return Placement(
        "cpu", spec.precision, f"{why}; memory holds it in {spec.precision}, not in float32"
    )


def _unregistered(model: str, machine: Machine) -> Placement:
    device = "cuda:0" if machine.gpus_gib else "cpu"
    folder = Path(name_here(model))
    is_folder = folder.is_dir()
    precision = folder_precision(folder, device) if is_folder else "bfloat16"
    if machine.gpus_gib:
        return Placement(device, precision, "there is a GPU, and the model's size is not known")
    return Placement(device, precision, "there is no GPU")


def folder_precision(folder: Path, device: str) -> Precision:
    """What a folder's model is loaded in: float32 on a CPU, which is slow in anything less.

    On a GPU it is what its config.json says that it was saved in, or bfloat16: the paper's base
    would take 39 GB in float32.
    """
    if device.partition(":")[0] == "cpu":
        return "float32"
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # whoever loads it says what is wrong with the folder
        return "bfloat16"
    parts = [config, config.get("text_config") or {}]
    saved = [part.get(key) for part in parts for key in ("dtype", "torch_dtype")]
    known = get_args(Precision)
    return next((one for one in saved if one in known), "bfloat16")


def _smallest_of_the_hub() -> ModelSpec:
    hub = [spec for spec in REGISTRY.values() if spec.revision is not None]
    return min(hub, key=lambda spec: spec.num_parameters)
