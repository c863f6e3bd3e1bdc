"""Vectors of the frozen vision part, computed once and read in every epoch and stage.

The vision part never learns (paper, section 3.2), so what it makes of a picture stays. Shards are
safetensors files below a folder named by a key: model, revision, the vision part's own weights,
picture size and precision. Another model, or the same one retrained, has another key.
"""

import json
import math
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from georay.config.train import TrainRecipe
from georay.core.allocator import keep_freed_memory
from georay.core.fetched import local_copy
from georay.core.manifest import digest, write_atomic, write_json
from georay.core.paths import AnyPath, path_of
from georay.core.prompts import Conversation
from georay.models.adapter_card import base_fingerprint
from georay.models.families.base import Batch, Family
from georay.models.families.qwen_vl import QwenVLFamily
from georay.training.agreement import one_at_a_time
from georay.training.pictures import look
from georay.training.stages import load_base

FACTS = "cache.json"
_FEATURES = "features"


@dataclass(frozen=True)
class CacheSize:
    """What a cache takes on disk: `num_vectors` of `width` values for every image."""

    num_images: int
    num_vectors: int
    width: int
    bytes_per_value: int

    @property
    def num_bytes(self) -> int:
        return self.num_images * self.num_vectors * self.width * self.bytes_per_value

    def as_text(self) -> str:
        return (
            f"vision cache: {self.num_images:,} images × {self.num_vectors} vectors × "
            f"{self.width:,} values × {self.bytes_per_value} bytes = {self.num_bytes / 1e6:,.1f} MB"
        )


class FrozenVision:
    """The vision part of a Qwen-VL: pictures in, vectors out."""

    def __init__(self, family: Family, model: str, revision: str | None) -> None:
        """`model` and `revision` as they were given to `load_family`.

        Raises ValueError for another family, and where an adapter sits in the vision part.
        """
        if not isinstance(family, QwenVLFamily):
            raise ValueError(
                f"the vision cache reads Qwen-VL only, and {model} is a {type(family).__name__}: "
                "train it without the cache"
            )
        self._visual: Any = family.network.transformer.visual
        named = list(self._visual.named_parameters())
        if any(".lora_" in name for name, _ in named):
            raise ValueError("an adapter sits in the vision part: train without the vision cache")
        self._processor = family.processor
        self._network = family.network
        self.facts = {
            "model": model,
            "revision": revision,
            "vision_weights": base_fingerprint(named),
            "image_size": family.processor.image_size,
            "precision": str(family.network.dtype).removeprefix("torch."),
        }
        self.key = digest(self.facts)

    def size(self, num_images: int) -> CacheSize:
        """What the vectors of so many images take."""
        config = self._network.config
        return CacheSize(
            num_images, config.vision.n_queries, config.hidden_size, self._network.dtype.itemsize
        )

    @torch.no_grad()
    def __call__(self, pictures: Sequence[Image.Image]) -> Tensor:
        """[images, n_queries, hidden_size] in the network's precision, in main memory."""
        pixels = self._processor.pixels(pictures)
        vectors: Tensor = self._visual(pixels.to(self._network.device, self._network.dtype))
        return vectors.cpu()


class VisionShards:
    """The vectors in one folder, found by image id; reading them needs no model."""

    def __init__(self, folder: AnyPath) -> None:
        self.folder = folder
        self._places: dict[str, tuple[Path, int]] = {}
        self._known: set[str] = set()
        self.refresh()

    def refresh(self) -> None:
        """Takes note of shards that were added since; a damaged one is as if it were not there."""
        there = {path.name: path for path in self.folder.glob("shard-*.safetensors")}
        for name in sorted(there.keys() - self._known):
            try:
                path = local_copy(there[name])
                with safe_open(path, "pt") as shard:
                    ids = json.loads(shard.metadata()["image_ids"])
            except (OSError, SafetensorError, TypeError, KeyError, ValueError):
                continue
            self._places |= {image_id: (path, row) for row, image_id in enumerate(ids)}
            self._known.add(name)

    def missing(self, image_ids: Iterable[str]) -> list[str]:
        """The ids, each once and in order, whose vectors are not here."""
        return [one for one in dict.fromkeys(image_ids) if one not in self._places]

    def read(self, image_ids: Sequence[str]) -> Tensor:
        """[images, n_queries, hidden_size], in the order of the ids.

        Raises ValueError naming the first id that is not here.
        """
        if absent := self.missing(image_ids):
            raise ValueError(
                f"the vision cache {self.folder} lacks {len(absent)} images, {absent[0]} first: "
                "fill it before training"
            )
        return torch.stack([self._row(image_id) for image_id in image_ids])

    def _row(self, image_id: str) -> Tensor:
        path, row = self._places[image_id]
        with safe_open(path, "pt") as shard:
            vectors: Tensor = shard.get_slice(_FEATURES)[row]
        return vectors


class VisionCache(VisionShards):
    """One model's folder below `root`. Any number of processes may add shards to it."""

    def __init__(self, root: AnyPath, vision: FrozenVision) -> None:
        super().__init__(root / vision.key)
        self._vision = vision

    def prepare(self, image_ids: Iterable[str]) -> CacheSize:
        """What the missing ids will take, before any of it is written.

        Raises ValueError if the disk has less than that free.
        """
        size = self._vision.size(len(self.missing(image_ids)))
        self.folder.mkdir(parents=True, exist_ok=True)
        free = _room(self.folder)
        if size.num_bytes > free:
            raise ValueError(
                f"the vision cache needs {size.num_bytes / 1e6:,.0f} MB and {self.folder} has "
                f"{free / 1e6:,.0f} MB free: name another folder, or train without the cache"
            )
        write_json(self.folder / FACTS, self._vision.facts)
        return size

    def add(self, image_ids: Sequence[str], pictures: Sequence[Image.Image]) -> None:
        """Computes the pictures' vectors and writes them as one shard, whole or not at all."""
        content = save(
            {_FEATURES: self._vision(pictures).contiguous()},
            metadata={"image_ids": json.dumps(list(image_ids))},
        )
        write_atomic(self.folder / f"shard-{digest(list(image_ids))}.safetensors", content)
        self.refresh()


def _room(folder: AnyPath) -> float:
    """Bytes that are free; a storage has room."""
    return shutil.disk_usage(folder).free if isinstance(folder, Path) else math.inf


class StoreVisionFeatures:
    """An operator that puts pictures' vectors into the recipe's cache; rows keep only their ids.

    The vectors go to shared storage from here, a shard for every batch, and not through Ray. A
    batch that is tried again writes the same shard again.
    """

    reads = ("image_id", "uri", "projection")
    adds = ("error",)

    def __init__(self, recipe: TrainRecipe) -> None:
        keep_freed_memory()
        if not recipe.workers.use_gpu:
            torch.set_num_threads(recipe.workers.threads)
        with one_at_a_time(f"load-{digest(recipe.output)}"):
            family = load_base(recipe)
            if recipe.workers.use_gpu:
                network: Any = family.network
                network.to("cuda")
        self._cache = open_cache(family, recipe)

    def __call__(self, table: pa.Table) -> pa.Table:
        rows = table.select(list(self.reads)).to_pylist()
        missing = set(self._cache.missing(row["image_id"] for row in rows))
        seen = {
            row["image_id"]: look(row["uri"], row["projection"])
            for row in rows
            if row["image_id"] in missing
        }
        pictures = {
            one: photograph.image
            for one, photograph in seen.items()
            if not isinstance(photograph, str)
        }
        if pictures:
            self._cache.add(list(pictures), list(pictures.values()))
        errors = [
            one if isinstance(one := seen.get(row["image_id"]), str) else None for row in rows
        ]
        return table.select(["image_id"]).append_column("error", pa.array(errors, pa.string()))


def open_cache(family: Family, recipe: TrainRecipe) -> VisionCache:
    """The recipe's cache for this base. Raises ValueError as `FrozenVision` does."""
    assert recipe.vision_cache is not None
    base = recipe.base
    return VisionCache(
        path_of(recipe.vision_cache), FrozenVision(family, base.model, base.revision)
    )


def encode_with_vectors(
    family: QwenVLFamily, conversations: Sequence[Conversation], vectors: Tensor
) -> Batch:
    """As `family.encode_for_training`, with `image_features` for `pixel_values`.

    vectors: those of all the conversations' pictures, in reading order, as `VisionShards.read`
    gives them. Raises ValueError for a conversation without an answer.
    """
    return family.encode_text_for_training(conversations) | {"image_features": vectors}
