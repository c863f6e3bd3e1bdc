"""Runs the operators of answering on each shard, here or on a cluster."""

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from georay.config.predict import AskedRecipe
from georay.evaluation.answering import NUM_FAILED, NUM_ROWS, Operator
from georay.runtime.progress import Meter


def run_operators(
    operators: Sequence[Operator], shards: Sequence[pa.Table], recipe: AskedRecipe, meter: Meter
) -> None:
    """Takes every shard through the operators, the last of which writes it.

    In this process where the recipe names no workers; there an operator that tells of each batch
    moves the meter itself. Raises GeorayError if a worker cannot work at all.
    """
    if recipe.workers is None:
        for _ in run_here(operators, shards):
            pass
        return
    from georay.evaluation.runner import check_room, run_on_cluster
    from georay.runtime.connect import connect

    with connect(recipe.cluster):
        if recipe.cluster.address == "local":
            check_room(operators, len(shards))
        for written in run_on_cluster(operators, shards):
            meter.advance(written[NUM_ROWS], written[NUM_FAILED])


def run_here(operators: Sequence[Operator], shards: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """What the last operator makes of each shard, in order, in this process."""
    made = [one.kind(*one.arguments) for one in operators]
    for shard in shards:
        for operator in made:
            shard = operator(shard)
        yield shard
