"""The benchmark over numbers of nodes in its quick form: real pipelines on raylets of this machine.

Slow: a minute or two each. No speed is asserted; that no row is lost and every node works, is.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.nodes_workloads import WORKLOADS

PROJECT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("workload", WORKLOADS)
def test_every_workload_runs_on_one_node_and_on_two(workload):
    command = [sys.executable, "-m", "benchmarks.nodes", "--workload", workload]
    command += ["--emulated", "--quick", "--seconds-per-row", "0.02"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("| strong |") == 2 == done.stdout.count("| weak |")
