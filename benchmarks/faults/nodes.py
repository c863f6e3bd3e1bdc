"""Nodes of one cluster on this machine that can be killed and started, the head among them."""

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from benchmarks.faults.hosts import Host, Hosts
from benchmarks.served import free_port

PATIENCE_S = 300.0
CPUS = 2
NUM_WORKERS = 2
_STARTS = 3
_PROJECT = Path(__file__).parents[2]
_OBJECT_BYTES = 128 << 20
DEAD_AFTER_S = 20.0
"""A node that does not answer is given up by then: three looks, a second apart, of 5 s each."""
_SETTINGS = {
    "RAY_AUTH_MODE": "token",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "5000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_health_check_initial_delay_ms": "10000",
    # Two cores play three nodes: what starts late is not dead.
    "RAY_agent_register_timeout_ms": "600000",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "300",
    "OMP_NUM_THREADS": "1",
}


@dataclass
class Node:
    """A node and the process that holds it."""

    host: Host
    process: psutil.Popen

    def workers(self, name: str) -> list[psutil.Process]:
        """Its processes whose command holds this name."""
        return [one for one in _below(self.process) if name in _command(one)]

    def kill(self) -> None:
        """As a power cut does: everything of the node at once."""
        for one in [*_below(self.process), self.process]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        self.process.wait(PATIENCE_S)


class Cluster:
    """A head that takes no work on the first host, workers on the next; the others are spare.

    folder: Ray's own files. gcs: where the head keeps what it knows, so that another head goes on
    from there; None keeps it in memory.
    """

    def __init__(
        self, hosts: Hosts, folder: Path, gcs: Path | None, environment: Mapping[str, str]
    ) -> None:
        self.hosts = hosts
        self._spare = list(hosts.each[1 + NUM_WORKERS :])
        self._folder = folder
        plain = {name: value for name, value in os.environ.items() if not is_of_ray(name)}
        self.environment = {**plain, **environment, **_SETTINGS}
        self.environment |= {
            "RAY_AUTH_TOKEN": secrets.token_hex(16),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(_PROJECT),
        }
        kept = {"RAY_gcs_storage": "rocksdb", "RAY_gcs_storage_path": str(gcs)}
        self._of_the_head = {} if gcs is None else kept
        self.address = f"{hosts.each[0].address}:{free_port()}"
        self.nodes: list[Node] = []

    @property
    def head(self) -> Node:
        return next(one for one in self.nodes if one.host is self.hosts.each[0])

    @property
    def workers(self) -> list[Node]:
        return [one for one in self.nodes if one.host is not self.hosts.each[0]]

    def start(self) -> None:
        """Starts the head, then the workers: two that start at once miss each other."""
        self._start_head()
        for host in self.hosts.each[1 : 1 + NUM_WORKERS]:
            self._start_worker(host)

    def restart_head(self) -> None:
        """Kills the head and starts one that knows what it knew."""
        self._remove(self.head)
        self._start_head()

    def replace(self, lost: Node) -> None:
        """One more worker for one that is lost: an operator of machines gives a new one."""
        self._remove(lost)
        self._start_worker(self._spare.pop(0))

    def close(self) -> None:
        """Ends every node, the head last."""
        for one in reversed(self.nodes):
            one.kill()

    def _remove(self, node: Node) -> None:
        node.kill()
        self.nodes.remove(node)

    def _start_head(self) -> None:
        # Ray takes the address that it notes here, and the workers of this machine, for a head.
        (self._folder / "ray_current_cluster").unlink(missing_ok=True)
        port = self.address.rpartition(":")[2]
        own = ["--head", f"--port={port}", "--num-cpus=0", f"--temp-dir={self._folder}"]
        own += ["--include-dashboard=false", "--disable-usage-stats"]
        self._start(self.hosts.each[0], own, self._of_the_head)

    def _start_worker(self, host: Host) -> None:
        self._start(host, [f"--address={self.address}", f"--num-cpus={CPUS}"], {})

    def _start(self, host: Host, own: list[str], environment: Mapping[str, str]) -> None:
        """One node, once its agent answers; tried again, because Ray gives a raylet but 30 s.

        Raises RuntimeError with Ray's words if it does not start at all.
        """
        log = self._folder.with_name(f"{host.address}.log")
        for _ in range(_STARTS):
            agent = free_port()
            command = [*host.enter, "ray", "start", "--block", f"--node-ip-address={host.address}"]
            command += [f"--dashboard-agent-listen-port={agent}"]
            command += [f"--metrics-export-port={free_port()}"]
            command += [f"--object-store-memory={_OBJECT_BYTES}", *own]
            with log.open("ab") as file:
                everything = {**self.environment, **environment}
                process = psutil.Popen(command, env=everything, stdout=file, stderr=file)
            node = Node(host, process)
            self.nodes.append(node)
            if _is_up(f"http://{host.address}:{agent}/api/healthz", process):
                return
            self._remove(node)
        raise RuntimeError(f"no node of Ray at {host.address}: {_last_line(log)}")


@contextmanager
def three_nodes(
    hosts: Hosts, folder: Path, gcs: Path | None, environment: Mapping[str, str]
) -> Iterator[Cluster]:
    """A head and two workers."""
    cluster = Cluster(hosts, folder, gcs, environment)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


def wait_until(is_so: Callable[[], bool], seconds: float = PATIENCE_S) -> bool:
    """Whether it is so before patience ends."""
    deadline = time.monotonic() + seconds
    while not (found := is_so()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def is_of_ray(variable: str) -> bool:
    """Whether it is about another cluster. How nice workers are is about this machine."""
    return variable.startswith("RAY_") and variable != "RAY_worker_niceness"


def _is_up(address: str, process: psutil.Popen) -> bool:
    """Whether a node's agent answers before its process ends or patience does."""
    wait_until(lambda: _answers(address) or process.poll() is not None)
    return process.poll() is None and _answers(address)


def _last_line(log: Path) -> str:
    return log.read_text(errors="replace").strip().rpartition("\n")[2]


def _answers(address: str) -> bool:
    try:
        return bool(httpx.get(address, timeout=10).status_code == 200)
    except httpx.HTTPError:
        return False


def _below(process: psutil.Popen) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return ""
