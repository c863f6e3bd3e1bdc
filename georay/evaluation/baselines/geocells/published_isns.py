"""The networks that the authors of the ISNs published, read as data: cells and weights.

Cells are a CSV file of each level (github.com/TIBHannover/GeoEstimation, geo-cells), weights a
checkpoint of PyTorch Lightning above torchvision's ResNet, or a safetensors file with the same
names. A checkpoint is a pickle: torch reads its tensors and plain values, and refuses the rest. The
networks of 2018 themselves are TensorFlow's, which nothing here reads.
"""

import csv
import re
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from s2cell import token_to_cell_id
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import ResNetConfig

from georay.config.baselines import SCENE_KINDS, PublishedISNsRecipe, SceneKind
from georay.core.gazetteer import Gazetteer
from georay.core.manifest import file_sha256
from georay.errors import ModelUnavailable
from georay.evaluation.baselines.geocells.cells import Partition
from georay.evaluation.baselines.geocells.hierarchy import Hierarchy
from georay.evaluation.baselines.protocol import Facts

_COLUMNS = ("class_label", "hex_id", "imgs_per_cell", "latitude_mean", "longitude_mean")
_STEM = {"0": "convolution", "1": "normalization"}
_STAGES = {"4": 0, "5": 1, "6": 2, "7": 3}
"""torchvision's ResNet as a sequence: stem, normalisation, two parts without weights, stages."""

_BLOCK = re.compile(r"(\d)\.(\d+)\.(?:(conv|bn)(\d)|downsample\.(\d))\.(\w+)")
_HEAD = re.compile(r"classifier\.(\d+)\.(weight|bias)")


@dataclass(frozen=True)
class PublishedCells:
    """A level. order [cells]: the authors' class of each cell of the partition."""

    partition: Partition
    order: NDArray[np.int64]


def published_facts(recipe: PublishedISNsRecipe) -> Facts:
    """What the networks are built from, and the hashes of all files. Raises ModelUnavailable."""
    levels = [read_cells(Path(one)).partition for one in recipe.cells]
    check_levels(levels)
    finest = levels[-1]
    points = zip(finest.latitude.tolist(), finest.longitude.tolist(), strict=True)
    towns = [Gazetteer.load().nearest(*point) for point in points]
    first = Path(recipe.networks[SCENE_KINDS[0]])
    return {
        "backbone": network_config(read_network(first), first.name),
        "hierarchy": Hierarchy(levels, towns).to_json(),
        "files": {one: _hash(Path(one)) for one in (*recipe.cells, *recipe.networks.values())},
        "notes": ["the authors' published networks and cells"],
    }


def put_published(
    network: nn.Module, recipe: PublishedISNsRecipe, kind: SceneKind, files: Mapping[str, str]
) -> None:
    """Gives a kind's network its weights. files: hashes that the files had.

    Raises ModelUnavailable if a file is absent, another than it was, or of another network.
    """
    file = Path(recipe.networks[kind])
    for one in (*recipe.cells, str(file)):
        if _hash(Path(one)) != files.get(one):
            raise ModelUnavailable(f"{one} is another file than when the recipe was run")
    orders = [read_cells(Path(one)).order for one in recipe.cells]
    try:
        network.load_state_dict(as_ours(read_network(file), orders, file.name))
    except RuntimeError as problem:
        cause = str(problem).strip().partition("\n")[0]
        raise ModelUnavailable(f"the weights {file.name} do not fit: {cause}") from problem


def _hash(file: Path) -> str:
    try:
        return file_sha256(file)
    except OSError as problem:
        raise ModelUnavailable(f"cannot read {file}: {problem.strerror}") from problem


def read_cells(file: Path) -> PublishedCells:
    """The cells of a level, ordered as ours are. Raises ModelUnavailable if they cannot be read.

    Lines before the head, which tell how the cells came about, are passed over.
    """
    try:
        with file.open(newline="", encoding="utf-8") as text:
            lines = list(text)
        (head,) = [n for n, line in enumerate(lines) if line.startswith(_COLUMNS[0])]
        rows = list(csv.DictReader(lines[head:]))
        label, token, count, *middle = ([row[name] for row in rows] for name in _COLUMNS)
        ids = np.array([token_to_cell_id(one) for one in token], np.uint64)
        latitude, longitude = (np.array(one, np.float64) for one in middle)
        classes, counts = np.array(label, np.int64), np.array(count, np.int64)
    except (OSError, ValueError, KeyError) as problem:
        raise ModelUnavailable(
            f"{file.name} holds no cells with the columns {', '.join(_COLUMNS)}: {problem}"
        ) from problem
    if sorted(classes.tolist()) != list(range(len(ids))):
        raise ModelUnavailable(f"{file.name}: class_label does not count its cells from 0")
    at = np.argsort(ids)
    cells = Partition(ids[at], latitude[at], longitude[at], counts[at])
    return PublishedCells(cells, classes[at])


def check_levels(levels: Sequence[Partition]) -> None:
    """Raises ModelUnavailable unless each finest cell lies in one of each coarser level."""
    for number, coarse in enumerate(levels[:-1]):
        if lost := int((levels[-1].parents(coarse) < 0).sum()):
            raise ModelUnavailable(
                f"{lost:,} of the finest cells lie in none of level {number}: give the files of "
                "one set of cells, the coarsest first"
            )


def read_network(file: Path) -> dict[str, Tensor]:
    """All tensors of a checkpoint by the authors' names. Raises ModelUnavailable."""
    if file.suffix == ".safetensors":
        try:
            return dict(load_file(file))
        except (OSError, SafetensorError) as problem:
            raise ModelUnavailable(f"{file.name} cannot be read: {problem}") from problem
    try:
        # What Lightning keeps of its settings is a Namespace, which runs nothing when it is read.
        with torch.serialization.safe_globals([Namespace]):
            content = torch.load(file, map_location="cpu", weights_only=True)
        found: dict[str, Tensor] = dict(content["state_dict"])
    except Exception as problem:  # torch's refusals share no class that may be named here
        raise ModelUnavailable(
            f"{file.name} is no checkpoint of PyTorch that holds tensors and plain values alone, "
            "and nothing else is read here. The networks of 2018 are TensorFlow's: take the "
            "authors' later checkpoint, or where you trust the file, write its `state_dict` as "
            ".safetensors and give that"
        ) from problem
    return found


def network_config(tensors: Mapping[str, Tensor], name: str) -> dict[str, Any]:
    """The configuration of the ResNet of a checkpoint, by its tensors' shapes."""
    try:
        widths = [len(tensors[f"model.{stage}.0.conv3.weight"]) for stage in _STAGES]
        stem = len(tensors["model.0.weight"])
    except KeyError as problem:
        raise ModelUnavailable(
            f"{name} holds no ResNet with bottlenecks as torchvision has it: {problem} is absent"
        ) from problem
    depths = [
        len({one for one in tensors if re.fullmatch(rf"model\.{stage}\.\d+\.conv1\.weight", one)})
        for stage in _STAGES
    ]
    return ResNetConfig(embedding_size=stem, hidden_sizes=widths, depths=depths).to_dict()


def as_ours(
    tensors: Mapping[str, Tensor], orders: Sequence[NDArray[np.int64]], name: str
) -> dict[str, Tensor]:
    """The same weights under the names of a scene's network, classes in the order of our cells.

    orders: of each level. Raises ModelUnavailable for other tensors, or other numbers of classes.
    """
    found: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        if head := _HEAD.fullmatch(key):
            found[f"heads.{head[1]}.{head[2]}"] = _in_order(tensor, orders, int(head[1]), name)
        else:
            found[f"backbone.network.{_our_name(key, name)}"] = tensor
    return found


def _in_order(tensor: Tensor, orders: Sequence[NDArray[np.int64]], level: int, name: str) -> Tensor:
    cells = [len(order) for order in orders]
    if level >= len(orders) or len(tensor) != cells[level]:
        raise ModelUnavailable(
            f"{name} has {len(tensor):,} classes at level {level}, and the files of cells have "
            f"{', '.join(f'{one:,}' for one in cells)}: give those it was trained with"
        )
    return tensor[torch.from_numpy(orders[level])]


def _our_name(key: str, name: str) -> str:
    inside = key.removeprefix("model.")
    part, _, kind = inside.partition(".")
    if part in _STEM and "." not in kind:
        return f"embedder.embedder.{_STEM[part]}.{kind}"
    block = _BLOCK.fullmatch(inside)
    if block is None or block[1] not in _STAGES or not key.startswith("model."):
        raise ModelUnavailable(f"{name} holds {key!r}, which is no part of such a ResNet")
    stage, layer, what, number, shortcut, kind = block.groups()
    if shortcut is not None:
        where = f"shortcut.{_STEM[shortcut]}"
    else:
        where = f"layer.{int(number) - 1}.{'convolution' if what == 'conv' else 'normalization'}"
    return f"encoder.stages.{_STAGES[stage]}.layers.{layer}.{where}.{kind}"
