"""Vectors of the frozen vision part, computed once and read in every epoch and stage.

The vision part never learns (paper, section 3.2), so what it makes of a picture stays. Shards are
safetensors files below a folder named by a key: model, revision, the vision part's own weights,
picture size and precision. Another model, or the same one retrained, has another key.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load, save
from torch import Tensor

from georay.core.images import ImageLimits, decode
from georay.core.manifest import digest, write_atomic, write_json
from georay.core.prompts import Conversation
from georay.errors import UnreadableImage
from georay.models.adapter_card import base_fingerprint
from georay.models.families.base import Batch, Family
from georay.models.families.qwen_vl import QwenVLFamily
from georay.models.loading import load_family
from georay.models.registry import Precision

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

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._places: dict[str, tuple[Path, int]] = {}
        self._known: set[Path] = set()
        self.refresh()

    def refresh(self) -> None:
        """Takes note of shards that were added since."""
        for path in sorted(set(self.folder.glob("shard-*.safetensors")) - self._known):
            with safe_open(path, "pt") as shard:
                ids = json.loads(shard.metadata()["image_ids"])
            self._places |= {image_id: (path, row) for row, image_id in enumerate(ids)}
            self._known.add(path)

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

    def __init__(self, root: Path, vision: FrozenVision) -> None:
        super().__init__(root / vision.key)
        self._vision = vision

    def announce(self, image_ids: Iterable[str], say: Callable[[str], None]) -> CacheSize:
        """Says what the missing ids will take, before anything is written.

        Raises ValueError if the disk has less than that free.
        """
        size = self._vision.size(len(self.missing(image_ids)))
        say(size.as_text())
        self.folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.folder).free
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


def fill_cache(
    cache: VisionCache,
    image_ids: Sequence[str],
    picture_of: Callable[[str], Image.Image],
    batch_size: int,
    say: Callable[[str], None],
) -> CacheSize:
    """Adds what is missing, in this process; its size is announced first. Returns that size."""
    missing = cache.missing(image_ids)
    size = cache.announce(missing, say)
    for first in range(0, len(missing), batch_size):
        ids = missing[first : first + batch_size]
        cache.add(ids, [picture_of(image_id) for image_id in ids])
    return size


class StoreVisionFeatures:
    """A stage that puts the vectors of encoded pictures into a cache; rows keep only their ids.

    The vectors go to shared storage from here, a shard for every block, and not through Ray. A
    block that is tried again writes the same shard again.
    """

    reads = ("image_id", "picture")
    adds = ("error",)

    def __init__(
        self,
        model: str,
        root: str,
        *,
        revision: str | None = None,
        precision: Precision | None = None,
        device: str = "cpu",
        limits: ImageLimits | None = None,
    ) -> None:
        family = load_family(model, revision=revision, precision=precision, device=device)
        self._cache = VisionCache(Path(root), FrozenVision(family, model, revision))
        self._limits = limits or ImageLimits()

    def __call__(self, table: pa.Table) -> pa.Table:
        errors: dict[str, str] = {}
        pictures: dict[str, Image.Image] = {}
        missing = set(self._cache.missing(table["image_id"].to_pylist()))
        for row in table.select(["image_id", "picture"]).to_pylist():
            if row["image_id"] in missing:
                try:
                    pictures[row["image_id"]] = decode(row["picture"], self._limits).image
                except UnreadableImage as problem:
                    errors[row["image_id"]] = str(problem)
        if pictures:
            self._cache.add(list(pictures), list(pictures.values()))
        column = pa.array([errors.get(i) for i in table["image_id"].to_pylist()], pa.string())
        return table.select(["image_id"]).append_column("error", column)


class ReadVectors:
    """A stage that adds `vectors`, one blob for each slot, to rows with their `image_ids`.

    It takes the place of reading pictures; `unpacked` turns a blob back into a tensor.
    """

    reads = ("image_ids",)
    adds = ("vectors",)

    def __init__(self, folder: str) -> None:
        self._shards = VisionShards(Path(folder))

    def __call__(self, table: pa.Table) -> pa.Table:
        blobs = [
            save({_FEATURES: self._shards.read(ids)}) for ids in table["image_ids"].to_pylist()
        ]
        return table.append_column("vectors", pa.array(blobs, pa.large_binary()))


def unpacked(blob: bytes) -> Tensor:
    """The vectors in a blob of `ReadVectors`: [images, n_queries, hidden_size]."""
    return load(blob)[_FEATURES]


def encode_with_vectors(
    family: QwenVLFamily, conversations: Sequence[Conversation], vectors: Tensor
) -> Batch:
    """As `family.encode_for_training`, with `image_features` for `pixel_values`.

    vectors: those of all the conversations' pictures, in reading order, as `VisionShards.read`
    gives them. Raises ValueError for a conversation without an answer.
    """
    return family.encode_text_for_training(conversations) | {"image_features": vectors}
