"""The steps on Ray Data: names of files go through it, the files themselves lie in the workspace.

The one file of this room with Ray. What moves between workers is small, so memory depends on the
size of a part and of a bucket, and not on the number of clues.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import ray
import ray.data
from ray.data import ActorPoolStrategy, DataContext
from ray.exceptions import RayError

from georay.config.clues import ClueWorkersRecipe
from georay.errors import CluesStopped

FileOperator = Callable[[str], int]
_OWN_ERROR = re.compile(
    r"^(?!ray\.)(?:[\w.]+\.)?(?:[A-Z]\w*(?:Error|Invalid|Mismatch)|ModelUnavailable): (.+)$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class OperatorMaker:
    """Makes an operator in the worker that runs it: its models are loaded there, once."""

    make: Callable[..., FileOperator]
    arguments: tuple[Any, ...]

    def __call__(self) -> FileOperator:
        return self.make(*self.arguments)


class _OnNames:
    """Runs an operator on each of a batch of names."""

    def __init__(self, maker: OperatorMaker) -> None:
        self._operator = maker()

    def __call__(self, names: pa.Table) -> pa.Table:
        counts = [self._operator(name) for name in names.column("name").to_pylist()]
        return pa.table({"num_rows": pa.array(counts, pa.int64())})


def run_operator(
    names: Sequence[str], maker: OperatorMaker, workers: ClueWorkersRecipe, title: str
) -> Iterator[int]:
    """Runs an operator on every name in a pool of actors; yields the count of each as it is done.

    Raises CluesStopped if a worker cannot work at all, for instance without its model.
    """
    if not names:
        return
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = 0
    actors = min(len(names), workers.num_actors or _default_actors(workers))
    done = ray.data.from_blocks([pa.table({"name": [name]}) for name in names]).map_batches(
        _OnNames,
        fn_constructor_args=(maker,),
        batch_size=1,
        batch_format="pyarrow",
        compute=ActorPoolStrategy(size=actors),
        num_cpus=workers.cpus_per_actor,
        num_gpus=workers.gpus_per_actor or None,
    )
    try:
        for row in done.iter_rows():
            yield int(row["num_rows"])
    except RayError as problem:
        raise CluesStopped(
            f"{title} stopped: {_cause(problem)}\nWhat was done stays for a rerun."
        ) from problem


def _cause(problem: RayError) -> str:
    """What the worker's own exception says, out of the traceback that Ray sends."""
    said = _OWN_ERROR.findall(str(problem))
    return str(said[-1] if said else problem).strip()


def _default_actors(workers: ClueWorkersRecipe) -> int:
    resources = ray.cluster_resources()
    if workers.gpus_per_actor:
        return max(1, int(resources.get("GPU", 0) / workers.gpus_per_actor))
    return max(1, int(resources.get("CPU", 1)))
