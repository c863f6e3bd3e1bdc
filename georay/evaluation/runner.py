"""Answering on Ray Data: read, answer in actor pools, write. The one file here with Ray."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import ray
import ray.data
from ray.data import ActorPoolStrategy, DataContext, Dataset
from ray.exceptions import RayError

from georay.errors import GeorayError
from georay.evaluation.answering import Operator
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


def check_room(operators: Sequence[Operator], num_shards: int) -> None:
    """Raises GeorayError where this cluster cannot hold all workers at once: they would wait for
    each other without end. Not for a cluster that grows by itself.
    """
    pools = [one.workers for one in operators if one.workers is not None]
    sizes = [min(pool.num_workers, num_shards) for pool in pools]
    cpus = [size * pool.cpus_per_worker for size, pool in zip(sizes, pools, strict=True)]
    gpus = [size * pool.gpus_per_worker for size, pool in zip(sizes, pools, strict=True)]
    needed = {"CPU": sum(cpus) + _CPUS_PER_TASK, "GPU": sum(gpus)}
    there = ray.cluster_resources()
    for kind, amount in needed.items():
        if amount > (has := there.get(kind, 0.0)):
            raise GeorayError(
                f"{sum(sizes)} workers and what reads and writes beside them need {amount:g} "
                f"{kind}s, and this cluster has {has:g}: lower workers.num_workers, or "
                f"workers.{kind.lower()}s_per_worker"
            )


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
