"""Collecting on Ray Data: points in shards, workers, one limiter for all. The one file with Ray."""

import re
from collections.abc import Iterator

import pyarrow as pa
import ray
import ray.data
from ray.actor import ActorHandle
from ray.data import ActorPoolStrategy, DataContext
from ray.exceptions import RayError

from georay.acquisition.download.day_quota import DayQuota
from georay.acquisition.download.limiter import RateLimiter, wait_out, windows_of
from georay.acquisition.download.run_files import CollectFolder
from georay.acquisition.download.shard import CollectPoints
from georay.config.collect import CollectRecipe
from georay.core.paths import AnyPath
from georay.errors import CollectingStopped

_MOST_CALLS = 10_000
_OUR_MESSAGE = re.compile(r"^(?:georay\.[\w.]+|ValueError): (.+)$", re.MULTILINE)


def collect_on_ray(
    points: pa.Table, recipe: CollectRecipe, root: AnyPath
) -> Iterator[dict[str, int]]:
    """Takes the views of all points; yields the counts of each shard as it is finished.

    root: the folder of the run, which every worker sees. Needs a running Ray. Raises
    CollectingStopped if no worker can work at all, for instance because the provider refuses.
    """
    context = DataContext.get_current()
    context.enable_progress_bars = False  # the run shows a bar of its own
    context.max_errored_blocks = 0
    limiter = _limiter(recipe, root)
    shard = recipe.workers.points_per_shard
    blocks = [points.slice(start, shard) for start in range(0, points.num_rows, shard)]
    collected = ray.data.from_blocks(blocks).map_batches(
        _CollectBehindLimiter,
        fn_constructor_args=(recipe, root, limiter),
        batch_size=None,
        batch_format="pyarrow",
        compute=ActorPoolStrategy(size=min(recipe.workers.num_workers, len(blocks))),
        num_cpus=recipe.workers.cpus_per_worker,
    )
    return _explained(iter(collected.iter_rows()))


class _CollectBehindLimiter(CollectPoints):
    """The operator in a worker, whose gate is the cluster's limiter."""

    def __init__(self, recipe: CollectRecipe, root: AnyPath, limiter: ActorHandle) -> None:
        super().__init__(recipe, root, _RemoteGate(limiter))


class _RemoteGate:
    """The limiter of the cluster as its workers see it."""

    def __init__(self, limiter: ActorHandle) -> None:
        self._limiter = limiter

    async def enter(self, is_counted: bool) -> int | None:
        reserved: tuple[int, float] | None = await self._limiter.reserve.remote(is_counted)
        if reserved is None:
            return None
        place, seconds = reserved
        await wait_out(seconds)
        return place

    async def answered(self, place: int) -> None:
        self._limiter.answered.remote(place)

    async def refused(self, seconds: float) -> None:
        self._limiter.refused.remote(seconds)


def _limiter(recipe: CollectRecipe, root: AnyPath) -> ActorHandle:
    """The one limiter of this run.

    It lets nothing go for the longest window at first: what a killed run sent just before may
    still count there.
    """
    windows = windows_of(recipe.quota)
    file, limit = CollectFolder(root).day_quota, recipe.quota.per_day
    day = None if limit is None else DayQuota(file, limit, recipe.quota.zone)
    return (
        ray.remote(RateLimiter)
        .options(num_cpus=0, max_concurrency=_MOST_CALLS)
        .remote(windows, day, max(window.seconds for window in windows))
    )


def _explained(rows: Iterator[dict[str, int]]) -> Iterator[dict[str, int]]:
    """The rows; what stopped a worker is raised as its own message, without Ray's traceback."""
    try:
        yield from rows
    except RayError as problem:
        said = _OUR_MESSAGE.search(str(problem))
        cause = said[1] if said else str(problem).strip().rpartition("\n")[2]
        raise CollectingStopped(f"collecting stopped: {cause}") from problem
