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
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from ports import free_ports
from training_room import write_samples

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


def submit(environment: dict[str, str], job: str, recipe: str) -> subprocess.CompletedProcess[str]:
    command = [
        "ray", "job", "submit", "--working-dir", ".", "--",
        "python", "-m", f"jobs.{job}", "--recipe", f"jobs/recipes/{recipe}.yaml",
    ]  # fmt: skip
    return subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )


def succeed(environment: dict[str, str], job: str, recipe: str) -> str:
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
