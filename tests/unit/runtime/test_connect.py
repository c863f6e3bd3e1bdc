import os
import subprocess
import sys
import time

import psutil
import pytest

SCRIPT = """
import os, sys, json
from georay.config.cluster import ClusterRecipe
from georay.runtime.connect import connect
before = "ray" in sys.modules
if {ray_first}:
    import ray
with connect(ClusterRecipe(num_cpus=1)):
    import ray
    inside = dict(os.environ)
    with connect(ClusterRecipe(num_cpus=1)):
        answer = ray.get(ray.remote(lambda: 7).remote())
    still = ray.is_initialized()
print(json.dumps([before, answer, still, ray.is_initialized(),
    inside.get("RAY_AUTH_MODE"), len(inside.get("RAY_AUTH_TOKEN", "")),
    os.environ.get("RAY_AUTH_MODE"), "RAY_AUTH_TOKEN" in os.environ]))
"""
HANGS = """
import atexit, os, time
from georay.config.cluster import ClusterRecipe
from georay.runtime.connect import connect
with connect(ClusterRecipe(num_cpus=1)):
    import ray
    class Hangs:
        def pid(self):
            atexit.register(time.sleep, 600)
            return os.getpid()
    actor = ray.remote(Hangs).remote()
    print(ray.get(actor.pid.remote()))
    del actor  # Ray asks it to end and minds it no more
    time.sleep(2)
"""
LOGS_TWICE = """
import logging
from pathlib import Path
from georay.config.cluster import ClusterRecipe
from georay.runtime.connect import connect
for word in ("one", "two"):
    with connect(ClusterRecipe(num_cpus=1)):
        import ray, ray.data
        logging.getLogger("ray.data").error(word)
        session = Path(ray._private.worker._global_node.get_session_dir_path())
        print([word in file.read_text() for file in (session / "logs/ray-data").glob("*.log")])
"""
NONE_HERE = """
from georay.config.cluster import ClusterRecipe
from georay.runtime.connect import connect
try:
    with connect(ClusterRecipe(address="127.0.0.1:1")):
        pass
except ValueError as problem:
    print(problem)
"""


def run(script: str, home) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return subprocess.run(
        [sys.executable, "-c", script],
        env=kept | {"HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.parametrize("ray_first", [False, True])
def test_a_private_cluster_has_a_token_of_its_own_and_leaves_no_trace(tmp_path, ray_first):
    done = run(SCRIPT.format(ray_first=ray_first), tmp_path)
    assert done.stdout.strip() == '[false, 7, true, false, "token", 32, null, false]'
    assert done.stderr == "", "nothing breaks up the one live bar"
    assert not (tmp_path / ".ray" / "auth_token").exists(), "no token is left in the home folder"


def test_a_worker_that_hangs_on_its_way_out_ends_with_its_private_cluster(tmp_path):
    pid = int(run(HANGS, tmp_path).stdout)
    assert not psutil.pid_exists(pid)


def test_an_address_where_no_cluster_answers_says_soon_what_to_do(tmp_path):
    start = time.monotonic()
    assert "start one with `ray start --head`" in run(NONE_HERE, tmp_path).stdout
    assert time.monotonic() - start < 60, "Ray alone would try for many minutes"


def test_the_log_of_ray_data_goes_to_the_cluster_that_is_there(tmp_path):
    """It kept the folder of a process's first cluster, which is gone, and failed on it later."""
    assert run(LOGS_TWICE, tmp_path).stdout.split() == ["[True]", "[True]"]
