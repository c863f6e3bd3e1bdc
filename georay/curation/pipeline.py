"""Scoring on Ray Data: read, segment in an actor pool, score, write. The one file with Ray Data."""

import math
import warnings
from collections.abc import Iterator

import pyarrow as pa
import ray
import ray.data
from ray.data import ActorPoolStrategy, DataContext
from ray.exceptions import RayError

from georay.config.curate import CurateRecipe, WorkersRecipe
from georay.core.paths import AnyPath
from georay.curation.operators import ReadImages, ScoreLocatability, SegmentImages, WriteScores
from georay.errors import ScoringStopped
from georay.locatability.weights import ClassWeights
from georay.runtime.causes import cause_in

BLOCKS_PER_ACTOR = 4
_BLOCK_BYTES = 16 << 20
"""Of encoded pictures on their way to an actor: its memory holds one block of them."""


def score_images(
    inputs: pa.Table,
    weights: ClassWeights,
    recipe: CurateRecipe,
    parts: AnyPath,
    segment: type[SegmentImages] = SegmentImages,
) -> Iterator[dict[str, float]]:
    """Scores every input and writes it below `parts`; yields a row per block that was written.

    inputs: schema INPUTS. Each yielded row has num_rows (of the inputs), num_errors and the seconds
    of work spent on reading and on segmenting. `parts` must be a folder that every worker sees.
    segment: the operator that holds the segmenter; a benchmark gives one that watches it.
    Raises ScoringStopped if a worker cannot work at all, for instance without its model.
    """
    _quiet_context()
    parts.mkdir(parents=True, exist_ok=True)
    workers = recipe.workers
    num_actors = workers.num_actors or _default_actors(workers)
    written = (
        ray.data.from_blocks(_blocks(inputs, num_actors, workers.rows_per_block))
        .map_batches(
            ReadImages(recipe.limits),
            batch_size=workers.batch_size,
            batch_format="pyarrow",
            num_cpus=workers.cpus_per_read,
        )
        # map_batches itself takes no whole blocks where a GPU is asked for.
        .map_batches_internal(
            segment,
            fn_constructor_args=(
                recipe.segmenter,
                recipe.limits,
                recipe.panoramas,
                workers.decode_threads,
                workers.batch_size,
            ),
            batch_size=None,  # a block is small in bytes, and is cut while it is decoded
            batch_format="pyarrow",
            compute=ActorPoolStrategy(size=num_actors),
            num_cpus=workers.cpus_per_actor,
            num_gpus=workers.gpus_per_actor or None,
            accelerator_type=workers.accelerator_type,
        )
        .map_batches(
            ScoreLocatability(weights),
            batch_size=None,
            batch_format="pyarrow",
            num_cpus=workers.cpus_per_read,
        )
        .map_batches(
            WriteScores(parts),
            batch_size=None,
            batch_format="pyarrow",
            num_cpus=workers.cpus_per_read,
        )
    )
    return _explained(iter(written.iter_rows()))


def _explained(rows: Iterator[dict[str, float]]) -> Iterator[dict[str, float]]:
    """The rows; what stopped a worker is raised as its own message, without Ray's traceback."""
    try:
        yield from rows
    except RayError as problem:
        raise ScoringStopped(f"scoring stopped: {cause_in(str(problem))}") from problem


def _blocks(inputs: pa.Table, num_actors: int, rows_per_block: int) -> list[pa.Table]:
    """Equal slices: small enough that every actor gets several, so that none idles at the end."""
    share = math.ceil(inputs.num_rows / (BLOCKS_PER_ACTOR * num_actors))
    rows = max(1, min(rows_per_block, share))
    return [inputs.slice(start, rows) for start in range(0, inputs.num_rows, rows)]


def _default_actors(workers: WorkersRecipe) -> int:
    resources = ray.cluster_resources()
    if workers.gpus_per_actor:
        return max(1, int(resources.get("GPU", 0) / workers.gpus_per_actor))
    return max(1, int(resources.get("CPU", 1)))


def _quiet_context() -> None:
    """The run shows one bar of its own; Ray Data's would be drawn over it."""
    warnings.filterwarnings("ignore", message="The minimum number of concurrent actors")
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = 0
    context.target_max_block_size = _BLOCK_BYTES
