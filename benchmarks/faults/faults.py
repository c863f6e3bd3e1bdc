"""What fails, and how: each fault strikes a run in mid-work, and mends what a person would mend."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from benchmarks.faults.disk import why_no_disk
from benchmarks.faults.hosts import why_no_namespaces
from benchmarks.faults.nodes import DEAD_AFTER_S, Node, wait_until
from benchmarks.faults.place import Place, Site, plain_place, small_place, storage_place
from benchmarks.faults.runs import Run

FULL_S = 20.0  # that a disk stays full, unless the driver ends before

Setting = Callable[[Site], AbstractContextManager[Place]]


@dataclass(frozen=True)
class Fault:
    """says: what it is, for the table. why_not: why it cannot be had on this machine.

    loses_head: the head keeps what it knows on disk, and driver and clients sit elsewhere: at an
    address of another namespace.
    """

    says: str
    strike: Callable[[Run], None]
    setting: Setting = plain_place
    why_not: Callable[[], str | None] = lambda: None
    loses_head: bool = False


def nothing(run: Run) -> None:
    """The run that the others are compared with."""


def kill_worker_node(run: Run) -> None:
    """All processes of a node at once; a new node comes."""
    lost = _one_at_work(run)
    lost.kill()
    run.cluster.replace(lost)


def kill_actor(run: Run) -> None:
    """One process that does the work."""
    found = _one_at_work(run).workers(run.worker)
    assert found, "it has just ended by itself"
    found[0].kill()


def kill_driver(run: Run) -> None:
    run.kill_driver()
    run.start_again()


def kill_head(run: Run) -> None:
    run.cluster.restart_head()


def fill_disk(run: Run) -> None:
    """Until the driver ends, or for a while."""
    disk = run.place.disk
    assert disk is not None
    disk.fill()
    wait_until(run.has_ended, FULL_S)
    disk.free()
    if run.has_ended():
        run.start_again()


def cut_off_node(run: Run) -> None:
    """Its cable is pulled until it is given up, then put back; a new node comes meanwhile."""
    lost = _one_at_work(run)
    lost.host.cut_off()
    time.sleep(DEAD_AFTER_S + 5)
    lost.host.reconnect()
    run.cluster.replace(lost)


def overload_storage(run: Run) -> None:
    """It answers 503 now and then from the beginning; by now it must have done so."""
    storage = run.place.storage
    assert storage is not None and storage.application.num_refused, "no request met a 503"


def _one_at_work(run: Run) -> Node:
    found: list[Node] = []

    def look() -> bool:
        found[:] = run.nodes_at_work()
        return bool(found) or run.has_ended()

    assert wait_until(look) and found, "no node is at work"
    return found[0]


FAULTS: Mapping[str, Fault] = {
    "none": Fault("nothing fails", nothing),
    "node": Fault("a worker node is killed", kill_worker_node),
    "actor": Fault("an actor is killed", kill_actor),
    "driver": Fault("the driver is killed", kill_driver),
    "head": Fault("the head is killed", kill_head, plain_place, why_no_namespaces, True),
    "disk": Fault("the disk runs full", fill_disk, small_place, why_no_disk),
    "network": Fault("a node is cut off", cut_off_node, plain_place, why_no_namespaces),
    "storage": Fault("storage answers 503, one time in fifty", overload_storage, storage_place),
}
