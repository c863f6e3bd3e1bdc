"""Clusters of a stated number of nodes: raylets of this machine, or part of a real cluster."""

import os
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from georay.config.cluster import ClusterRecipe
from georay.runtime.scratch import scratch_folder, uninterrupted
from georay.runtime.stragglers import none_outlives

SATURATED = 0.85  # share of this machine's cores that is busy: beyond it, the host is measured
_LOOK_S = 0.25
_OBJECT_BYTES = 128 << 20
_HOLD_S = 120.0
_RAY = ("raylet", "gcs_server")
_KEEP_WORKERS_MS = "3600000"  # processes that end and start again would take the cores of others


@dataclass(frozen=True)
class Nodes:
    """The nodes that may work in a measurement, by Ray's ids, and how to reach their cluster.

    mark: what the command of each of its raylets holds; empty takes any raylet for one of it.
    """

    address: str
    ids: tuple[str, ...]
    mark: str = ""

    @property
    def number(self) -> int:
        return len(self.ids)


@contextmanager
def emulated(number: int, cpus: float = 1, gpus: int = 1) -> Iterator[Nodes]:
    """A private cluster of a head that does no work and `number` raylets, all of this machine.

    gpus: what each claims to have; there is none, so only work that sleeps may ask for one.
    Nothing of it reaches the notes that Ray keeps for this machine's other clusters.
    """
    with scratch_folder() as folder, _environment(folder):
        from ray.cluster_utils import Cluster

        from georay.runtime.connect import connect

        cluster = Cluster()
        try:
            plain = {"temp_dir": str(folder), "object_store_memory": _OBJECT_BYTES}
            cluster.add_node(num_cpus=0, include_dashboard=False, **plain)
            for _ in range(number):
                cluster.add_node(num_cpus=cpus, num_gpus=gpus, **plain)
            address = str(cluster.address)
            with connect(ClusterRecipe(address=address)):
                yield Nodes(address, _working_ids(), str(folder))
        finally:
            with uninterrupted(), none_outlives(folder):
                cluster.shutdown()


@contextmanager
def part_of(address: str, number: int) -> Iterator[Nodes]:
    """The first nodes of a real cluster, the others held so that nothing runs on them.

    Raises ValueError where the cluster has not as many nodes that work.
    """
    import ray

    from georay.runtime.connect import connect

    with connect(ClusterRecipe(address=address)):
        ids = _working_ids()
        if len(ids) < number:
            raise ValueError(f"the cluster at {address} has {len(ids)} nodes with CPU slots")
        held = [_holder(one) for one in ray.nodes() if one["NodeID"] in ids[number:]]
        ray.get([one.is_there.remote() for one in held], timeout=_HOLD_S)
        try:
            yield Nodes(address, ids[:number])
        finally:
            for one in held:
                ray.kill(one)


def _working_ids() -> tuple[str, ...]:
    """The living nodes that take work, always in the same order."""
    import ray

    found = [one for one in ray.nodes() if one["Alive"] and one["Resources"].get("CPU")]
    return tuple(sorted(str(one["NodeID"]) for one in found))


def _holder(node: dict[str, Any]) -> Any:
    """An actor that takes all slots of a node and does nothing with them."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    class Holder:
        def is_there(self) -> bool:
            return True

    slots = node["Resources"]
    where = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
    options = {"num_cpus": slots.get("CPU", 0), "num_gpus": slots.get("GPU", 0)}
    remote: Any = ray.remote(Holder)
    return remote.options(scheduling_strategy=where, **options).remote()


@contextmanager
def _environment(folder: Path) -> Iterator[None]:
    """Ray's temporary files in `folder`, and a token; Ray reads it once, so one per process."""
    (folder / "ray").mkdir()
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(16))
    os.environ.setdefault("RAY_idle_worker_killing_time_threshold_ms", _KEEP_WORKERS_MS)
    before = os.environ.get("RAY_TMPDIR")
    os.environ["RAY_TMPDIR"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["RAY_TMPDIR"]
        else:
            os.environ["RAY_TMPDIR"] = before


@dataclass(frozen=True)
class Cpu:
    """What a span of time took of this machine, in cores; busy: the share of all its cores."""

    driver: float
    raylets: float
    busy: float


@dataclass(frozen=True)
class _Look:
    at: float
    driver_s: float
    raylets_s: float
    busy_s: float


class CpuLog:
    """Looks four times a second at what the driver, the raylets and the whole machine take.

    On a real cluster it sees the machine of the driver alone.
    """

    def __init__(self, nodes: Nodes) -> None:
        self._looks: list[_Look] = []
        self._stop = threading.Event()
        self._driver = psutil.Process()
        self._raylets = [
            one
            for one in psutil.process_iter(["name", "cmdline"])
            if one.info["name"] in _RAY and nodes.mark in " ".join(one.info["cmdline"] or ())
        ]
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "CpuLog":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def between(self, start: float, end: float) -> Cpu:
        """Means over a span of `time.time()`, from the looks next to its ends."""
        before = [one for one in self._looks if one.at <= start] or self._looks[:1]
        after = [one for one in self._looks if one.at >= end] or self._looks[-1:]
        first, last = before[-1], after[0]
        seconds = max(last.at - first.at, 1e-9)
        return Cpu(
            driver=(last.driver_s - first.driver_s) / seconds,
            raylets=(last.raylets_s - first.raylets_s) / seconds,
            busy=(last.busy_s - first.busy_s) / seconds / (psutil.cpu_count() or 1),
        )

    def _watch(self) -> None:
        self._looks.append(self._look())
        while not self._stop.wait(_LOOK_S):
            self._looks.append(self._look())
        self._looks.append(self._look())

    def _look(self) -> _Look:
        whole = psutil.cpu_times()
        busy = sum(whole) - whole.idle - getattr(whole, "iowait", 0.0)
        return _Look(time.time(), _seconds([self._driver]), _seconds(self._raylets), busy)


def _seconds(processes: Sequence[psutil.Process]) -> float:
    total = 0.0
    for one in processes:
        try:
            times = one.cpu_times()
        except psutil.Error:  # it has ended
            continue
        total += times.user + times.system
    return total
