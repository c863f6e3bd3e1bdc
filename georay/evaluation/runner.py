"""Answering on Ray Data: read, answer in actor pools, write. The one file here with Ray."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import ray.data
from ray.data import ActorPoolStrategy, DataContext, Dataset
from ray.exceptions import RayError

from georay.errors import GeorayError
from georay.evaluation.operators import Operator
from georay.runtime.causes import cause_in

_CPUS_PER_TASK = 0.25
_BLOCK_BYTES = 128 << 20
"""More than a shard carries: one that Ray Data cut would be answered in other batches."""


def run_on_cluster(
    operators: Sequence[Operator], shards: Sequence[pa.Table]
) -> Iterator[dict[str, int]]:
    """The rows that the last operator makes, whichever shard is ready first. Needs a running Ray.

    Pictures, models, adapters and the folder that is written to must lie where every worker sees
    them. Raises GeorayError if a worker cannot work at all, for instance without its model.
    """
    _quiet_context()
    rows: Dataset = ray.data.from_blocks(list(shards))
    for operator in operators:
        rows = _mapped(rows, operator, len(shards))
    try:
        yield from rows.iter_rows()
    except RayError as problem:
        raise GeorayError(f"answering stopped: {cause_in(str(problem))}") from problem


def _mapped(rows: Dataset, operator: Operator, num_shards: int) -> Dataset:
    """`batch_size=None`: a shard is a block from the first operator to the last."""
    workers = operator.workers
    if workers is None:
        return rows.map_batches(
            operator.kind(*operator.arguments),
            batch_size=None,
            batch_format="pyarrow",
            num_cpus=_CPUS_PER_TASK,
        )
    return rows.map_batches(
        operator.kind,
        fn_constructor_args=operator.arguments,
        batch_size=None,
        batch_format="pyarrow",
        compute=ActorPoolStrategy(size=min(workers.num_workers, num_shards)),
        num_cpus=workers.cpus_per_worker,
        num_gpus=workers.gpus_per_worker or None,
    )


def _quiet_context() -> None:
    """The run shows one bar of its own; Ray Data's would be drawn over it."""
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = 0
    context.target_max_block_size = _BLOCK_BYTES
