"""What many files share, because starting it takes long: a real server, and a real Ray cluster."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from ports import free_port
from serving_parts import save_small_model, small_recipe
from storage_server import KEYS

from benchmarks.loopback.server import environment
from georay.config.cluster import ClusterRecipe
from georay.config.load import dump_recipe
from georay.core.fetched import CACHE_VARIABLE
from georay.runtime.connect import connect

PROJECT = Path(__file__).parents[2]
_START_S, _STOP_S = 240.0, 60.0


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One cluster for all files of this folder that a process runs: `connect` joins it.

    Its processes have the environment of its start, so the keys of the storage and of the providers
    on loopback are there from the beginning.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(tmp_path_factory.mktemp("cache")))
        for name, value in (KEYS | environment()).items():
            patch.setenv(name, value)
        with connect(ClusterRecipe(num_cpus=2)):
            yield


@pytest.fixture(scope="session")
def server_process(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of `georay serve` and its process; small limits, so that they can be met."""
    folder = tmp_path_factory.mktemp("served")
    recipe = small_recipe(
        save_small_model(folder),
        limits={"max_body_bytes": 4 << 20, "max_images": 8, "max_queued": 12, "timeout_s": 90},
        batching={"max_batch_size": 4, "wait_s": 0.05},
        replicas={"num_cpus": 0.5, "drain_s": 90, "health_period_s": 2},
    )
    (folder / "serve.yaml").write_text(dump_recipe(recipe))
    port = free_port()
    command = [sys.executable, "-m", "georay", "serve", "--port", str(port)]
    command += [str(folder / "serve.yaml")]
    with (folder / "serve.log").open("wb") as log:
        running = subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_ready(address, running, folder / "serve.log")
            yield address, running
        finally:
            if running.poll() is None:
                running.send_signal(signal.SIGTERM)
            try:
                running.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                running.kill()


@pytest.fixture(scope="session")
def server(server_process: tuple[str, subprocess.Popen[bytes]]) -> str:
    """The address of a server that is ready."""
    return server_process[0]


def _wait_until_ready(address: str, running: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        assert running.poll() is None, log.read_text()
        try:
            if httpx.get(f"{address}/readyz", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"not ready after {_START_S:.0f} s (pid {os.getpid()}): {log.read_text()}")
