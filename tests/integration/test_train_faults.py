"""Training survives what kills it: a worker or the driver dies, and the losses end the same."""

import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from ports import free_port
from processes import descendants, wait_until
from training_room import small_recipe, write_base, write_samples

from georay.training.watch import StepRecord, read_steps

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to find the workers"),
]
NUM_SAMPLES, NUM_EPOCHS, EVERY = 800, 2, 10
NUM_STEPS = NUM_EPOCHS * NUM_SAMPLES // 8
PATIENCE_SECONDS = 600


class Training:
    """A run of `georay train` in processes of its own, that can be killed and started again."""

    def __init__(self, folder: Path, name: str, **changes: object) -> None:
        self.out = folder / name
        recipe = small_recipe(
            folder / "data" / "samples.parquet",
            folder / "base",
            self.out,
            stages=[{"adapter": "reasoning", "num_epochs": NUM_EPOCHS}],
            checkpoints={"every": EVERY, "keep": 2},
            zero={"stage": 2},
            **({"workers": {"num_workers": 2, "max_failures": 2}} | changes),
        )
        self._recipe = folder / f"{name}.yaml"
        self._recipe.write_text(yaml.safe_dump(recipe.model_dump(mode="json")))
        self._log = folder / f"{name}.log"

    def start(self, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        log = self._log.open("ab")
        command = [sys.executable, "-m", "georay", "train", str(self._recipe)]
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment)

    def finish(self, driver: subprocess.Popen[bytes]) -> None:
        assert driver.wait(PATIENCE_SECONDS) == 0, self._log.read_text()

    def steps(self) -> list[StepRecord]:
        return read_steps(self.out / "stages" / "reasoning" / "steps.jsonl")

    def wait_for_step(self, number: int, driver: subprocess.Popen[bytes]) -> None:
        reached = wait_until(
            lambda: len(self.steps()) >= number or driver.poll() is not None, PATIENCE_SECONDS
        )
        assert reached, self._log.read_text()
        assert driver.poll() is None, f"it ended too early: {self._log.read_text()}"

    def wait_for_noted_checkpoint(self, driver: subprocess.Popen[bytes]) -> None:
        """Ray notes what was kept when it next looks at its workers, seconds after they wrote."""
        notes = self.out / "checkpoints" / "reasoning" / "checkpoint_manager_snapshot.json"
        noted = wait_until(
            lambda: notes.exists() and "checkpoint_2" in notes.read_text(), PATIENCE_SECONDS
        )
        assert noted and driver.poll() is None, self._log.read_text()

    def losses(self) -> list[float]:
        return [record.loss for record in self.steps()]

    def adapter(self) -> bytes:
        return (self.out / "adapters" / "reasoning" / "adapter_model.safetensors").read_bytes()

    def checkpoints(self) -> list[Path]:
        found = (self.out / "checkpoints" / "reasoning").glob("checkpoint_*")
        return sorted(path for path in found if path.is_dir())  # Ray's own notes lie beside them


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    write_base(folder / "base")
    write_samples(folder / "data", NUM_SAMPLES, 4)
    return folder


@pytest.fixture(scope="module")
def undisturbed(folder):
    run = Training(folder, "undisturbed")
    run.finish(run.start())
    assert len(run.losses()) == NUM_STEPS
    return run


def some_step() -> int:
    """A random step of the second half of the first epoch: resuming means inside an epoch.

    GEORAY_FAULT_SEED repeats what a failed test printed.
    """
    seed = int(os.environ.get("GEORAY_FAULT_SEED", secrets.randbelow(10_000)))
    step = random.Random(seed).randrange(EVERY + 3, NUM_STEPS // NUM_EPOCHS)
    print(f"GEORAY_FAULT_SEED={seed}: after step {step}")
    return step


def training_workers(pid: int) -> set[int]:
    return {child for child, name in descendants(pid).items() if "RayTrainWorker" in name}


def test_only_the_newest_checkpoints_stay(undisturbed):
    assert len(undisturbed.checkpoints()) == 2


def test_a_killed_worker_is_replaced_and_the_run_ends_on_the_same_losses(folder, undisturbed):
    run = Training(folder, "worker")
    driver = run.start()
    run.wait_for_step(some_step(), driver)
    workers = sorted(training_workers(driver.pid))
    assert len(workers) == 2
    os.kill(workers[1], signal.SIGKILL)
    replaced = wait_until(lambda: training_workers(driver.pid).isdisjoint(workers), 120)
    assert replaced, "no worker was started anew"
    run.finish(driver)
    assert run.losses() == undisturbed.losses()
    assert run.adapter() == undisturbed.adapter()


def test_a_killed_driver_goes_on_inside_the_epoch_and_ends_on_the_same_losses(folder, undisturbed):
    run = Training(folder, "driver")
    driver = run.start()
    run.wait_for_step(some_step(), driver)
    run.wait_for_noted_checkpoint(driver)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    done = len(run.losses())
    assert done < NUM_STEPS
    assert run.checkpoints(), "nothing was kept to go on from"
    first = run.steps()[0].seconds
    run.finish(run.start())
    assert run.losses() == undisturbed.losses()
    assert run.steps()[0].seconds == first, "it began anew"
    assert run.adapter() == undisturbed.adapter()


def test_without_its_checkpoints_a_run_begins_anew_and_still_ends_the_same(folder, undisturbed):
    run = Training(folder, "bare")
    driver = run.start()
    run.wait_for_step(2, driver)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    shutil.rmtree(run.out / "checkpoints", ignore_errors=True)
    run.finish(run.start())
    assert run.losses() == undisturbed.losses()


class Nodes:
    """Emulated nodes of one cluster: a head without CPUs, and others that can be killed."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")} | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(16),
        }
        self._log = (folder / "nodes.log").open("ab")
        self._running: list[subprocess.Popen[bytes]] = []
        self._start("--head", f"--port={port}", f"--temp-dir={folder / 'ray'}", "--num-cpus=0")
        assert wait_until(lambda: _listens(port), 120)

    def add(self) -> subprocess.Popen[bytes]:
        """One more node with one CPU, once it is there: two that start at once miss each other."""
        node = self._start(f"--address={self.address}", "--num-cpus=1")
        assert wait_until(lambda: _runs("RuntimeEnvAgent", node), 120), "a node did not start"
        return node

    def _start(self, *options: str) -> subprocess.Popen[bytes]:
        command = ["ray", "start", "--block", "--node-ip-address=127.0.0.1", *options]
        command += ["--include-dashboard=false", "--disable-usage-stats"] * ("--head" in options)
        node = subprocess.Popen(command, env=self.environment, stdout=self._log, stderr=self._log)
        self._running.append(node)
        return node

    def kill(self, node: subprocess.Popen[bytes]) -> None:
        """As a power cut does: everything of the node at once."""
        for pid in [*descendants(node.pid), node.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        node.wait()
        self._running.remove(node)

    def close(self) -> None:
        for node in reversed(self._running):
            node.terminate()
            node.wait(60)


def _runs(name: str, node: subprocess.Popen[bytes]) -> bool:
    return any(name in child for child in descendants(node.pid).values())


def _listens(port: int) -> bool:
    with socket.socket() as knock:
        return knock.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def nodes(tmp_path):
    scratch = tmp_path.parent / "n"  # socket paths must stay short
    scratch.mkdir()
    found = Nodes(scratch)
    yield found
    found.close()
    shutil.rmtree(scratch, ignore_errors=True)


def test_a_lost_node_of_three_is_made_up_for_and_the_losses_end_the_same(
    folder, undisturbed, nodes
):
    """Each worker needs most of a node, so that one of them dies with its node."""
    workers = {"num_workers": 2, "cpus_per_worker": 0.7, "cpus_per_read": 0.1, "max_failures": 4}
    run = Training(folder, "node", workers=workers, cluster={"address": nodes.address})
    lost, _ = nodes.add(), nodes.add()
    driver = run.start(nodes.environment)
    run.wait_for_step(some_step(), driver)
    assert _runs("RayTrainWorker", lost)
    nodes.kill(lost)
    nodes.add()
    run.finish(driver)
    assert run.losses() == undisturbed.losses()
    assert run.adapter() == undisturbed.adapter()
