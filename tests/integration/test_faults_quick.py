"""The benchmark of faults in its quick form: one cell, and the run without a fault before it.

Slow: a minute or two. Network namespaces are used where this machine allows them.
"""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="its nodes are told apart as Linux does"),
]


def test_a_curation_whose_actor_is_killed_ends_as_one_that_nothing_meets():
    command = [sys.executable, "-m", "benchmarks.faults", "--quick"]
    command += ["--workload", "curation", "--fault", "actor"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "curation, nothing fails: 1 of 1" in done.stdout, done.stdout
    assert "curation, an actor is killed: 1 of 1" in done.stdout, done.stdout
