"""The frozen-vision cache in a training run: filled by all workers once, read by each."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed

from georay.config.train import TrainRecipe
from georay.core.images import decode
from georay.models.families.base import Batch, Family
from georay.models.families.qwen_vl import QwenVLFamily
from georay.training.agreement import as_first_worker
from georay.training.collate import Sample
from georay.training.pictures import LIMITS, read_picture
from georay.training.vision_cache import (
    FrozenVision,
    VisionCache,
    VisionShards,
    encode_with_vectors,
    fill_cache,
)


def filled_cache(
    family: Family,
    recipe: TrainRecipe,
    samples: Sequence[Sample],
    rank: int,
    num_workers: int,
    say: Callable[[str], None],
) -> VisionShards | None:
    """The samples' vectors, what is missing of them computed by all workers together.

    None without a cache in the recipe. The size is said before anything is written. Raises
    ValueError, on every worker, for a family without a cache or a disk that is too small.
    """
    if recipe.vision_cache is None:
        return None
    base = recipe.base
    cache = VisionCache(Path(recipe.vision_cache), FrozenVision(family, base.model, base.revision))
    uris = {sample.image_id: sample.uri for sample in samples}
    missing = as_first_worker(cache.missing(uris))
    if missing:
        _announce(cache, missing, rank, say)
        if recipe.workers.use_gpu:
            network: Any = family.network
            network.to(torch.device("cuda", torch.cuda.current_device()))
        mine = missing[rank::num_workers]
        size = recipe.batches.micro_batch
        fill_cache(cache, mine, lambda one: _picture(uris[one]), size, _say_nothing)
        torch.distributed.barrier()
    return VisionShards(cache.folder)


def collate_vectors(family: Family, samples: Sequence[Sample], shards: VisionShards) -> Batch:
    """As `collate`, with cached vectors for pixels."""
    assert isinstance(family, QwenVLFamily), "only that family has a cache"
    vectors = shards.read([sample.image_id for sample in samples])
    return encode_with_vectors(family, [sample.conversation() for sample in samples], vectors)


def _announce(
    cache: VisionCache, missing: Sequence[str], rank: int, say: Callable[[str], None]
) -> None:
    problem: str | None = None
    if rank == 0:
        try:
            cache.announce(missing, say)
        except ValueError as refused:
            problem = str(refused)
    if (told := as_first_worker(problem)) is not None:
        raise ValueError(told)


def _picture(uri: str) -> Any:
    return decode(read_picture(uri), LIMITS).image


def _say_nothing(_: str) -> None:
    """Each worker's share of what the first one announced."""
