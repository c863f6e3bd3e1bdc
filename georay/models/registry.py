"""The models that answer questions about photographs: one table, id to facts.

Light: nothing heavy is imported here. `georay.models.loading` turns an id into a loaded family.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from georay.core.fetched import local_copy

FamilyName = Literal["qwen_vl", "qwen2_5_vl", "qwen3_vl", "llava"]
Precision = Literal["float32", "bfloat16", "float16"]

DEFAULT = "Qwen/Qwen2.5-VL-7B-Instruct"
PAPER_BASE = "Qwen/Qwen-VL-Chat"
SMALLEST = "Qwen/Qwen3-VL-2B-Instruct"
"""Of the models that know photographs; possible without a GPU."""

_MAX_PIXELS = 1280 * 28 * 28  # at most 1,280 tokens: a street view of 1,000 x 1,000 is whole
BYTES: Mapping[Precision, int] = MappingProxyType({"float32": 4, "bfloat16": 2, "float16": 2})
PACKAGED = Path(__file__).parent / "weights"  # a folder per model that the package carries
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@dataclass(frozen=True)
class ModelSpec:
    """One model. `revision` is a full commit id of the hub, or None for what the package carries.

    `twin` is the small model that drives the same code on two cores without a network.
    `max_pixels` is the most that the model sees of a picture; larger ones are reduced, since the
    published bound would make 15,000 tokens of a photograph. None where the size is fixed.
    `knows`: all that it has ever seen, where that is no photographs.
    """

    id: str
    family: FamilyName
    revision: str | None
    precision: Precision
    num_parameters: int
    twin: str | None
    note: str
    max_pixels: int | None = None
    knows: str | None = None

    @property
    def memory_gib(self) -> float:
        """What answering takes: the weights, a fifth for activations and cache, half a GiB."""
        weights = self.num_parameters * BYTES[self.precision] / 2**30
        return round(1.2 * weights + 0.5, 1)

    @property
    def folder(self) -> Path | None:
        """Where the package keeps the weights; None for a model of the hub."""
        return PACKAGED / self.id if self.revision is None else None


_TABLE = (
    ModelSpec(
        id="tiny",
        family="qwen_vl",
        revision=None,
        precision="float32",
        num_parameters=11_000_000,  # the most that its recipe allows
        twin=None,
        note="Qwen-VL's architecture in small, trained on drawn streets; never the real thing",
        knows="drawn streets",
    ),
    ModelSpec(
        id=PAPER_BASE,
        family="qwen_vl",
        revision="f57cfbd358cb56b710d963669ad1bcfb44cdcdd8",
        precision="bfloat16",
        num_parameters=9_656_935_168,
        twin="tiny",
        note="the paper's base",
    ),
    ModelSpec(
        id=DEFAULT,
        family="qwen2_5_vl",
        revision="cc594898137f460bfe9f0759e9844b3ce807cfb5",
        precision="bfloat16",
        num_parameters=8_292_166_656,
        twin="tiny",
        note="default for full-size work",
        max_pixels=_MAX_PIXELS,
    ),
    ModelSpec(
        id="Qwen/Qwen2.5-VL-3B-Instruct",
        family="qwen2_5_vl",
        revision="66285546d2b821cf421d4f5eb2576359d3770cd3",
        precision="bfloat16",
        num_parameters=3_754_622_976,
        twin="tiny",
        note="the default's smaller sister",
        max_pixels=_MAX_PIXELS,
    ),
    ModelSpec(
        id="Qwen/Qwen3-VL-8B-Instruct",
        family="qwen3_vl",
        revision="0c351dd01ed87e9c1b53cbc748cba10e6187ff3b",
        precision="bfloat16",
        num_parameters=8_767_123_696,
        twin="tiny",
        note="newer than the default",
        max_pixels=_MAX_PIXELS,
    ),
    ModelSpec(
        id="Qwen/Qwen3-VL-4B-Instruct",
        family="qwen3_vl",
        revision="ebb281ec70b05090aa6165b016eac8ec08e71b17",
        precision="bfloat16",
        num_parameters=4_437_815_808,
        twin="tiny",
        note="for one consumer GPU",
        max_pixels=_MAX_PIXELS,
    ),
    ModelSpec(
        id=SMALLEST,
        family="qwen3_vl",
        revision="89644892e4d85e24eaac8bacfd4f463576704203",
        precision="bfloat16",
        num_parameters=2_127_532_032,
        twin="tiny",
        note="the smallest full model; slow but possible without a GPU",
        max_pixels=_MAX_PIXELS,
    ),
    ModelSpec(
        id="llava-hf/llava-1.5-7b-hf",
        family="llava",
        revision="b234b804b114d9e37bb655e11cbbb5f5e971b7a9",
        precision="float16",
        num_parameters=7_063_427_072,
        twin="tiny",
        note="the paper's LLaVA row (table 1)",
    ),
)

REGISTRY: Mapping[str, ModelSpec] = MappingProxyType({spec.id: spec for spec in _TABLE})


Adapters = Path | str
"""A folder of adapters or its uri, "packaged" for those that the package carries for a model, or
"none": a bare base."""


def adapters_named(name: str | None) -> Adapters:
    """The choice of adapters that a recipe or an option names, or leaves open."""
    return "packaged" if name is None else name


def adapters_of(model: str, chosen: Adapters) -> Path | None:
    """The folder of the adapters that act above a model; None for a bare one.

    Raises ValueError for a uri at which nothing lies.
    """
    if chosen == "none":
        return None
    return packaged_adapters(model) if chosen == "packaged" else local_copy(chosen)


def packaged_adapters(model: str) -> Path | None:
    """The trained adapters that the package carries for a model; None for one without."""
    folder = PACKAGED / model / "adapters"
    return folder if model in REGISTRY and folder.is_dir() else None


def caveat_of(model: str) -> str | None:
    """What to know before believing a model that has never seen a photograph; None for others."""
    spec = REGISTRY.get(model)
    if spec is None or spec.knows is None:
        return None
    return (
        f"`{model}` knows {spec.knows} only: its answers about photographs mean nothing. For these "
        f"take {DEFAULT}, or without a GPU {SMALLEST} (option --model of `georay serve` and "
        "`georay locate`; `georay models` says what fits here)"
    )


def without_places(model: str, adapters: Path | None) -> str | None:
    """A warning where the bare tiny model is asked, which never learnt a place; else None."""
    if model != "tiny" or adapters is not None:
        return None
    return (
        "`tiny` without adapters has never learnt a place: its answers mean nothing. Name trained "
        "ones, such as those of `georay demo`, or ask another model of `georay models`"
    )


@dataclass(frozen=True)
class Machine:
    """Memory in GiB: this process's share of the main memory, and each GPU's."""

    memory_gib: float
    gpus_gib: Sequence[float]


def this_machine() -> Machine:
    """What is here, a container's limit included; imports torch to ask for GPUs."""
    import torch

    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    gpus = [
        torch.cuda.get_device_properties(index).total_memory / 2**30
        for index in range(torch.cuda.device_count())
    ]
    return Machine(min(whole, _container_limit(whole)) / 2**30, gpus)


def place_for(spec: ModelSpec, machine: Machine) -> Literal["GPU", "CPU"] | None:
    """Where the model fits: on one GPU, else in main memory (slowly), else nowhere here."""
    if any(spec.memory_gib <= memory for memory in machine.gpus_gib):
        return "GPU"
    return "CPU" if spec.memory_gib <= machine.memory_gib else None


def _container_limit(otherwise: int) -> int:
    for path in map(Path, _CGROUP_LIMITS):
        if path.is_file() and (text := path.read_text().strip()).isdecimal():
            return int(text)
    return otherwise
