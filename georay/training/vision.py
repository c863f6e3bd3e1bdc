"""The cache of frozen vision features for a stage: missing ones, and batches made from it."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from georay.config.train import TrainRecipe
from georay.core.tables import SAMPLES
from georay.errors import GeorayError
from georay.models.families.base import Batch, Family
from georay.models.families.qwen_vl import QwenVLFamily
from georay.training.agreement import LOOK_EVERY_S, PATIENCE_S
from georay.training.collate import Sample
from georay.training.samples import stage_samples
from georay.training.stages import StageJob, load_base
from georay.training.vision_cache import VisionShards, encode_with_vectors, open_cache

_PICTURES = pa.schema([SAMPLES.field(name) for name in ("image_id", "uri", "projection")])


@dataclass(frozen=True)
class MissingFeatures:
    """Images missing in a cache, and in words what they will take; or why there can be no cache."""

    image_ids: tuple[str, ...] = ()
    size: str = ""
    problem: str | None = None


def pictures_of(job: StageJob) -> pa.Table:
    """Where every picture that the stage learns from or validates on lies, by its id, once."""
    splits = [
        stage_samples(job.recipe.samples, job.stage.adapter, split).select(_PICTURES.names)
        for split in ("train", "validation")
    ]
    once = {row["image_id"]: row for split in splits for row in split.to_pylist()}
    return pa.Table.from_pylist(list(once.values()), _PICTURES)


def missing_features(recipe: TrainRecipe, image_ids: Sequence[str]) -> MissingFeatures:
    """Looks from where the base can be loaded: its vision part's weights name the cache."""
    try:
        cache = open_cache(load_base(recipe), recipe)
        missing = cache.missing(image_ids)
        return (
            MissingFeatures(tuple(missing), cache.prepare(missing).as_text())
            if missing
            else MissingFeatures()
        )
    except (GeorayError, ValueError) as problem:
        return MissingFeatures(problem=str(problem))


def cached_vectors(
    family: Family, recipe: TrainRecipe, image_ids: Iterable[str]
) -> VisionShards | None:
    """The shards that a worker reads; None without a cache in the recipe.

    Waits for those of these images that other machines wrote and a mount does not show yet; what is
    not there after two minutes is missed when it is read.
    """
    if recipe.vision_cache is None:
        return None
    cache, deadline = open_cache(family, recipe), time.monotonic() + PATIENCE_S
    while cache.missing(image_ids) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S)
        cache.refresh()
    return cache


def collate_vectors(family: Family, samples: Sequence[Sample], shards: VisionShards) -> Batch:
    """As `collate`, with cached vectors for pixels."""
    assert isinstance(family, QwenVLFamily), "only that family has a cache"
    vectors = shards.read([sample.image_id for sample in samples])
    return encode_with_vectors(family, [sample.conversation() for sample in samples], vectors)
