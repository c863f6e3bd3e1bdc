"""One cell of the table: a workload that a fault meets, in so many runs, and what came of them."""

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.faults.faults import Fault
from benchmarks.faults.hosts import some_hosts
from benchmarks.faults.nodes import NUM_WORKERS, three_nodes
from benchmarks.faults.place import Site
from benchmarks.faults.runs import Facts, Outcome, Run
from benchmarks.record import spread
from georay.runtime.scratch import scratch_folder

_SPARE_HOSTS = 1
_PROBLEMS = (AssertionError, OSError, RuntimeError, psutil.Error, subprocess.SubprocessError)


@dataclass(frozen=True)
class Ran:
    """One run. problem: why it did not hold; None where it did. seconds: of all of it."""

    seconds: float
    outcome: Outcome | None
    problem: str | None


def run_once(kind: type[Run], fault: Fault, base: Path, undisturbed: Outcome | None) -> Ran:
    """A run on a cluster of its own, held against one that nothing met."""
    began = time.perf_counter()
    try:
        with _begun(kind, fault, base) as run:
            fault.strike(run)
            outcome = run.finish()
        if undisturbed is not None:
            assert outcome.found == undisturbed.found, "it ends otherwise than without the fault"
    except _PROBLEMS as problem:
        return Ran(time.perf_counter() - began, None, str(problem) or repr(problem))
    return Ran(time.perf_counter() - began, outcome, None)


@contextmanager
def _begun(kind: type[Run], fault: Fault, base: Path) -> Iterator[Run]:
    """A run in mid-work; all that belongs to it goes with the block."""
    with ExitStack() as stack:
        folder = stack.enter_context(scratch_folder())
        hosts = stack.enter_context(some_hosts(1 + NUM_WORKERS + _SPARE_HOSTS))
        place = stack.enter_context(fault.setting(Site(folder, hosts, kind.on_disk)))
        gcs = folder / "gcs" if fault.loses_head else None
        cluster = stack.enter_context(three_nodes(hosts, place.session, gcs, place.environment))
        seat = cluster.workers[0] if fault.loses_head else cluster.head
        run = kind(place, cluster, seat, base)
        stack.callback(run.close)
        run.start()
        yield run


def facts_of(ran: Sequence[Ran], commit: str) -> Facts:
    """A cell of the record."""
    outcomes = [one.outcome for one in ran if one.outcome is not None]
    return {
        "runs": len(ran),
        "held": len(outcomes),
        "seconds": spread([round(one.seconds, 1) for one in ran]),
        "facts": [dict(one.facts) for one in outcomes],
        "problems": [one.problem for one in ran if one.problem is not None],
        "commit": commit,
    }


def cell_in_words(cell: Mapping[str, object] | None) -> str:
    """What the table says of it."""
    if cell is None:
        return "not run: not yet"
    if reason := cell.get("not_run"):
        return f"not run: {reason}"
    return f"{cell['held']} of {cell['runs']}"
