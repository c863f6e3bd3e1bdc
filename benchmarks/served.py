"""A server of `georay serve` in a process of its own, for the time of a measurement."""

import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from georay.config.load import dump_recipe
from georay.config.serve import ServeRecipe

START_S, STOP_S = 240.0, 120.0
_PROJECT = Path(__file__).parents[1]
_ACTORS = {
    "model": "ServeReplica:georay:Model",
    "ingress": "ServeReplica:georay:Ingress",
    "proxy": "ProxyActor",
    "controller": "ServeController",
}


@dataclass(frozen=True)
class Count:
    """What a server has counted since its start, at one moment.

    answered: requests to /v1/locate by status. batches: how many, by the largest size of a bucket.
    """

    answered: dict[str, int]
    batches: dict[str, int]
    num_jobs: int
    num_replicas: int

    def since(self, before: "Count") -> "Count":
        """What was counted between two moments."""
        return Count(
            _less(self.answered, before.answered),
            _less(self.batches, before.batches),
            self.num_jobs - before.num_jobs,
            self.num_replicas,
        )

    @property
    def mean_batch(self) -> float | None:
        number = sum(self.batches.values())
        return round(self.num_jobs / number, 2) if number else None


@dataclass(frozen=True)
class Server:
    """A running server. start_s: from the command until it was ready."""

    address: str
    process: psutil.Process
    start_s: float

    def count(self) -> Count:
        """Reads /metrics."""
        return read_count(httpx.get(f"{self.address}/metrics", timeout=30).text)

    def is_ready(self) -> bool:
        return bool(httpx.get(f"{self.address}/readyz", timeout=30).status_code == 200)

    def replicas(self) -> list[psutil.Process]:
        """The processes of the model replicas."""
        return [one for one in self._children() if _ACTORS["model"] in _command(one)]

    def resident_mib(self) -> dict[str, float]:
        """The memory of each kind of process that has to do with requests."""
        found = dict.fromkeys(_ACTORS, 0.0)
        for child in self._children():
            command = _command(child)
            for kind, name in _ACTORS.items():
                if name in command:
                    found[kind] += child.memory_info().rss / 2**20
        return found

    def _children(self) -> list[psutil.Process]:
        return list(self.process.children(recursive=True))


@contextmanager
def served(recipe: ServeRecipe) -> Iterator[Server]:
    """A server that is ready. Raises RuntimeError, with its log, where it does not come up."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        (folder / "serve.yaml").write_text(dump_recipe(recipe))
        command = [sys.executable, "-m", "georay", "serve", "--port", str(port)]
        command += [str(folder / "serve.yaml")]
        began = time.monotonic()
        with (folder / "log").open("wb") as log:
            running = subprocess.Popen(command, cwd=_PROJECT, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_ready(address, running, folder / "log")
            yield Server(address, psutil.Process(running.pid), time.monotonic() - began)
        finally:
            _stop(running)


def read_count(text: str) -> Count:
    """The counts in a text of Prometheus' format."""
    answered: dict[str, int] = {}
    at_most: dict[str, int] = {}
    jobs = replicas = 0
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            value = int(sample.value)
            if sample.name == "georay_requests_total" and sample.labels["route"] == "/v1/locate":
                answered[sample.labels["status"]] = value
            elif sample.name == "georay_batch_size_bucket":
                at_most[sample.labels["le"]] = value
            elif sample.name == "georay_batch_size_sum":
                jobs = value
            elif sample.name == "georay_replicas":
                replicas = value
    return Count(answered, _apart(at_most), jobs, replicas)


def _apart(at_most: dict[str, int]) -> dict[str, int]:
    """Of a cumulative histogram, what each bucket holds alone."""
    below, found = 0, {}
    for size, number in at_most.items():
        found[size.removesuffix(".0")] = number - below
        below = number
    return found


def _less(after: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    return {name: value - before.get(name, 0) for name, value in after.items()}


def _wait_until_ready(address: str, running: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and running.poll() is None:
        try:
            if httpx.get(f"{address}/readyz", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"the server did not come up: {log.read_text(errors='replace')}")


def _stop(running: subprocess.Popen[bytes]) -> None:
    if running.poll() is None:
        running.send_signal(signal.SIGTERM)
    try:
        running.wait(STOP_S)
    except subprocess.TimeoutExpired:
        running.kill()
        raise


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return ""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port
