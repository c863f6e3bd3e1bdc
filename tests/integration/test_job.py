"""`ray job submit` on a head of this machine, with token authentication stated."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture
def head(tmp_path):
    """Environment of a head that this test alone started, and stops by the process it holds."""
    gcs, dashboard, agent = free_ports(3)
    scratch = tmp_path.parent / "ray"  # socket paths must stay short
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")} | {
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(16),
    }
    command = [
        "ray", "start", "--head", "--block", f"--port={gcs}", f"--dashboard-port={dashboard}",
        f"--dashboard-agent-listen-port={agent}", f"--temp-dir={scratch}", "--num-cpus=3",
        "--node-ip-address=127.0.0.1", "--include-dashboard=true", "--disable-usage-stats",
    ]  # fmt: skip
    with (tmp_path / "head.log").open("wb") as log:
        running = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            _wait_for(dashboard, running, tmp_path / "head.log")
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


def submit(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [
        "ray", "job", "submit", "--working-dir", ".", "--",
        "python", "-m", "jobs.curate", "--recipe", "jobs/recipes/curate-small.yaml",
    ]  # fmt: skip
    return subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )


def test_a_submitted_job_succeeds_and_leaves_its_run_folder(head, tmp_path):
    refused = submit(head | {"RAY_AUTH_TOKEN": "not-the-token"})
    assert refused.returncode != 0, "a stranger's token opens nothing"
    done = submit(head)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "succeeded" in done.stdout
    run = tmp_path / "georay-runs" / "curate-small"
    counts = json.loads((run / "manifest.json").read_text())["counts"]
    # Ray leaves the dangling link out when it packs the folder: 16 of the 17 files travel.
    assert (counts["files"], counts["scored"], counts["lost"]) == (16, 7, 0)
    assert (run / "report.html").exists()
