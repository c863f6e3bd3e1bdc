"""`ray job submit` on a head of this machine, with token authentication stated.

The jobs are submitted with the recipes of the repository, to a home folder of their own.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from ports import free_ports
from training_room import write_samples

from georay.training.watch import StepRecord, read_steps

PROJECT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Where `~` of the recipes is."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def head(home):
    """Environment of a head that these tests alone started, and stop by the process they hold."""
    gcs, dashboard, agent = free_ports(3)
    scratch = tempfile.mkdtemp(prefix="ray-")  # right below /tmp: socket paths must stay short
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")} | {
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(16),
    }
    command = [
        "ray", "start", "--head", "--block", f"--port={gcs}", f"--dashboard-port={dashboard}",
        f"--dashboard-agent-listen-port={agent}", f"--temp-dir={scratch}", "--num-cpus=3",
        "--node-ip-address=127.0.0.1", "--include-dashboard=true", "--disable-usage-stats",
    ]  # fmt: skip
    with (home / "head.log").open("wb") as log:
        running = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            _wait_for(dashboard, running, home / "head.log")
            yield environment | {"RAY_API_SERVER_ADDRESS": f"http://127.0.0.1:{dashboard}"}
        finally:
            running.terminate()
            running.wait(60)
            shutil.rmtree(scratch, ignore_errors=True)


def _wait_for(port: int, running: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        assert running.poll() is None, log.read_text()
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    raise AssertionError(f"no dashboard after two minutes: {log.read_text()}")


def submission(job: str, recipe: str | Path, *options: str) -> list[str]:
    """How a job is handed in. recipe: the name of one of the repository's, or a file."""
    file = recipe if isinstance(recipe, Path) else f"jobs/recipes/{recipe}.yaml"
    return [
        "ray", "job", "submit", "--working-dir", ".", *options, "--",
        "python", "-m", f"jobs.{job}", "--recipe", str(file),
    ]  # fmt: skip


def submit(
    environment: dict[str, str], job: str, recipe: str | Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        submission(job, recipe),
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def succeed(environment: dict[str, str], job: str, recipe: str | Path) -> str:
    """What a job printed that ended well."""
    done = submit(environment, job, recipe)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "succeeded" in done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def trained(head, home):
    """The folder of a run of train-tiny.yaml on a few samples, made by a submitted job."""
    made = write_samples(home / "made", 8, 2, num_test=3)
    folder = home / "georay-runs" / "samples"  # a folder of tables; the pictures lie elsewhere
    folder.mkdir(parents=True)
    shutil.copy(made, folder)
    succeed(head, "train", "train-tiny")
    return home / "georay-runs" / "train-tiny"


def test_a_strangers_token_opens_nothing(head):
    stranger = head | {"RAY_AUTH_TOKEN": "not-the-token"}
    assert submit(stranger, "curate", "curate-small").returncode != 0


def test_a_curation_that_was_submitted_leaves_its_run_folder(head, home):
    succeed(head, "curate", "curate-small")
    run = home / "georay-runs" / "curate-small"
    counts = json.loads((run / "manifest.json").read_text())["counts"]
    # Ray leaves the dangling link out when it packs the folder: 16 of the 17 files travel.
    assert (counts["files"], counts["scored"], counts["lost"]) == (16, 7, 0)
    assert (run / "report.html").exists()


def test_a_collection_that_was_submitted_has_a_row_for_each_picture(head, home):
    said = succeed(head, "locate", "locate-small")
    run = home / "georay-runs" / "locate-small"
    rows = pq.read_table(run / "locations.parquet").to_pylist()
    assert len({row["uri"] for row in rows}) == len(rows) == 16
    assert {row["status"] for row in rows} <= {"answered", "skipped", "failed"}
    assert "16 pictures" in said and (run / "locations.geojson").exists()


def test_a_training_that_was_submitted_leaves_both_adapters(trained):
    manifest = json.loads((trained / "manifest.json").read_text())
    for stage in ("reasoning", "location"):
        assert manifest["stages"][stage]["num_samples"] == 8
        assert (trained / "adapters" / stage / "adapter_model.safetensors").exists()


def test_predictions_that_were_submitted_are_those_of_the_trained_adapters(head, home, trained):
    said = succeed(head, "predict", "predict-trained-tiny")
    table = home / "georay-runs" / "predictions" / "trained-tiny.parquet"
    rows = pq.read_table(table).to_pylist()
    assert "3 images" in said
    assert [row["adapter"] for row in rows] == ["reasoning+location"] * 3
    assert all(row["raw"] and row["error"] is None for row in rows)


def test_a_job_outlives_whoever_submitted_it(head, home):
    """The submitter is killed as soon as the cluster has the job."""
    command = submission("curate", "curate-small", "--submission-id", "outlives")
    submitter = subprocess.Popen(command, cwd=PROJECT, env=head, stdout=subprocess.PIPE, text=True)
    for line in submitter.stdout:
        if "submitted successfully" in line:
            break
    submitter.kill()
    submitter.wait()
    assert status_of(head, "outlives", "SUCCEEDED") == "SUCCEEDED"


def test_a_training_that_was_stopped_goes_on_when_it_is_submitted_again(head, home, trained):
    """`ray job stop` after the first checkpoint; the whole run ends as an unbroken one does."""
    recipe = yaml.safe_load((PROJECT / "jobs" / "recipes" / "train-tiny.yaml").read_text())
    run = home / "georay-runs" / "stopped"
    recipe |= {
        "output": str(run),
        "checkpoints": {"every": 1, "keep": 2},
        "batches": {"global_batch": 4, "micro_batch": 2},
        "stages": [{"adapter": "reasoning", "num_epochs": 20}],
    }
    file = home / "stopped.yaml"
    file.write_text(yaml.safe_dump(recipe))
    command = submission("train", file, "--submission-id", "stopped", "--no-wait")
    subprocess.run(command, cwd=PROJECT, env=head, capture_output=True, check=True)
    wait_until(lambda: len(steps_of(run)) >= 3)
    subprocess.run(["ray", "job", "stop", "stopped"], env=head, capture_output=True, check=True)
    assert status_of(head, "stopped", "STOPPED") == "STOPPED"
    (before, *_) = steps_of(run)
    assert not (run / "manifest.json").exists()
    succeed(head, "train", file)
    after = steps_of(run)
    assert [record.step for record in after] == list(range(1, 41)), "8 samples, 4 a step, 20 times"
    assert after[0] == before, "its seconds too: the first step was not done again"
    assert (run / "adapters" / "reasoning" / "adapter_model.safetensors").exists()


def steps_of(run: Path) -> list[StepRecord]:
    """The optimizer steps that a training run of one stage has noted."""
    return [record for file in run.rglob("steps.jsonl") for record in read_steps(file)]


def wait_until(is_so: Callable[[], bool], seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(1)


def status_of(environment: dict[str, str], name: str, expected: str) -> str:
    """What the cluster says of a job, once it says that or ten minutes have passed."""
    client = ["ray", "job", "status", name]
    for _ in range(120):
        done = subprocess.run(client, env=environment, capture_output=True, text=True, check=False)
        if expected in done.stdout or "FAILED" in done.stdout:
            break
        time.sleep(5)
    return next(
        (word for word in ("SUCCEEDED", "STOPPED", "FAILED") if word in done.stdout), done.stdout
    )
