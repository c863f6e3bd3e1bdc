"""cluster/slurm/ray.sbatch in an allocation of two nodes, both played by this machine."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
from judged_rows import judged
from ports import free_ports

from georay.core.tables import PREDICTIONS

PROJECT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow

SCONTROL = "#!/bin/sh\nprintf 'node-a\\nnode-b\\n'\n"
SRUN = """#!/usr/bin/env bash
# A node is this machine at another address of its own.
for word in "$@"; do case $word in --nodelist=*) node=${word#*=} ;; esac; done
while [[ $1 == --* ]]; do shift; done
[[ $1 == hostname ]] && { echo 127.0.0.1; exit; }
own=(--object-store-memory=134217728)
[[ $node == node-b ]] && own+=(
  --node-ip-address=127.0.0.2 --dashboard-agent-listen-port=AGENT --metrics-export-port=METRICS
)
[[ " $* " == *" --head "* ]] || own+=(--num-cpus=2)
exec "$@" "${own[@]}"
"""


@pytest.fixture
def allocation(tmp_path):
    """The environment of the script as Slurm starts it, with Slurm's programs played."""
    agent, metrics = free_ports(2)
    programs = tmp_path / "programs"
    programs.mkdir()
    played = SRUN.replace("AGENT", str(agent)).replace("METRICS", str(metrics))
    for name, text in (("scontrol", SCONTROL), ("srun", played)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    plain = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return plain | {
        "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(PROJECT),
        "GEORAY_STORAGE": str(tmp_path / "storage"),
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_JOB_NODELIST": "node-[a-b]",
        "SLURM_SUBMIT_DIR": str(tmp_path),
        "SLURM_TMPDIR": os.environ.get("TMPDIR", "/tmp"),
    }


def start(allocation, *command):
    return subprocess.Popen(
        ["cluster/slurm/ray.sbatch", *command],
        cwd=PROJECT, env=allocation, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def ray_of(allocation):
    """Processes of the allocation's cluster, by the folder that they have on their command line."""
    mark = f"ray-{allocation['SLURM_JOB_ID']}"
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(mark in word for word in process.info["cmdline"] or ()):
            found.append(process)
    return found


def test_a_command_of_the_allocation_submits_its_jobs_to_both_nodes_and_ends_with_it(
    allocation, tmp_path
):
    storage = Path(allocation["GEORAY_STORAGE"])
    (storage / "predictions").mkdir(parents=True)
    rows = [{"true_country": "AT", "country": "AT"}, {"true_country": "AT", "country": "HU"}]
    pq.write_table(judged(rows).select(PREDICTIONS.names), storage / "predictions/tiny.parquet")
    script = start(allocation, "cluster/chain.sh", "jobs/recipes/chain-small", "evaluate")
    said, _ = script.communicate(timeout=900)
    assert script.returncode == 0, said
    assert (storage / "evaluation" / "report.html").exists()
    assert not list(tmp_path.glob("*.env")), "the token goes with the cluster"
    assert ray_of(allocation) == []


def test_the_cluster_is_reached_with_its_file_and_ends_when_slurm_says_so(allocation, tmp_path):
    script = start(allocation)
    file = tmp_path / f"georay-{allocation['SLURM_JOB_ID']}.env"
    look = (
        "source FILE && ray status --address $RAY_ADDRESS"
        " && stat -c %a FILE && echo $GEORAY_STORAGE"
    ).replace("FILE", str(file))
    try:
        said = ""
        deadline = time.monotonic() + 600
        while "0.0/4.0 CPU" not in said and time.monotonic() < deadline:
            assert script.poll() is None, script.communicate()[0]
            time.sleep(2)
            done = subprocess.run(
                ["bash", "-c", look], env=allocation, capture_output=True, text=True, check=False
            )
            said = done.stdout
        assert "0.0/4.0 CPU" in said, "both nodes' slots, and none of the head"
        assert said.splitlines()[-2:] == ["600", allocation["GEORAY_STORAGE"]]
    finally:
        script.send_signal(signal.SIGTERM)
        script.communicate(timeout=120)
    assert script.returncode == 143
    assert not file.exists()
    assert ray_of(allocation) == []
