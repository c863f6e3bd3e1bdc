"""cluster/*.sh and the Slurm script, with the programs that they call played by small scripts.

tests/integration runs the same scripts with the real programs.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cluster_files import CLUSTER

PROJECT = CLUSTER.parent
NOTES = """#!/usr/bin/env bash
printf '%s\\n' "{name} $*" >> "$NOTED"
{does}
"""


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Puts a program before all others that notes its arguments, and then does as it is told."""
    programs = tmp_path / "programs"
    programs.mkdir()
    noted = tmp_path / "noted"
    monkeypatch.setenv("NOTED", str(noted))
    monkeypatch.setenv("GEORAY_STORAGE", "/mnt/georay")
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", "http://127.0.0.1:8265")
    monkeypatch.setenv("PATH", f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}")

    def playing(name, does=""):
        (programs / name).write_text(NOTES.format(name=name, does=does))
        (programs / name).chmod(0o755)

    playing.noted = lambda: noted.read_text().splitlines() if noted.exists() else []
    return playing


def run(*command):
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def jobs_of(lines):
    return [line.rpartition("jobs.")[2] for line in lines if line.startswith("ray job submit")]


def test_every_step_of_a_folder_is_submitted_in_its_order(play):
    play("ray")
    done = run("cluster/chain.sh", "jobs/recipes/paper")
    assert done.returncode == 0, done.stderr
    steps = ["points", "collect", "clues", "curate", "samples", "train", "predict", "evaluate"]
    assert jobs_of(play.noted()) == [
        f"{step} --recipe jobs/recipes/paper/{step}.yaml" for step in steps
    ]


def test_a_step_without_a_recipe_is_named_and_passed_over(play):
    play("ray")
    done = run("cluster/chain.sh", "jobs/recipes/chain-small")
    assert "== points: no recipe in jobs/recipes/chain-small" in done.stdout
    assert jobs_of(play.noted())[0].startswith("clues ")


def test_steps_that_are_named_run_alone_and_a_serve_file_is_deployed(play):
    play("ray")
    play("serve")
    run("cluster/chain.sh", "jobs/recipes/paper", "train", "serve=cluster/serve/gpu.yaml")
    job, served = play.noted()
    assert jobs_of([job]) == ["train --recipe jobs/recipes/paper/train.yaml"]
    assert served == "serve deploy --address http://127.0.0.1:8265 cluster/serve/gpu.yaml"


def test_a_step_that_fails_ends_the_chain(play):
    play("ray", '[[ "$*" != *jobs.curate* ]]')
    done = run("cluster/chain.sh", "jobs/recipes/paper", "clues", "curate", "samples")
    assert done.returncode != 0
    assert len(play.noted()) == 2


def test_jobs_get_the_folder_and_what_else_is_named_and_a_slot_of_a_worker(play, monkeypatch):
    monkeypatch.setenv("GEORAY_ENV", "AWS_REGION")
    monkeypatch.setenv("AWS_REGION", 'eu-1 "quoted"')
    play("ray")
    run("cluster/chain.sh", "jobs/recipes/paper", "evaluate")
    (line,) = play.noted()
    text = line.partition("--runtime-env-json ")[2].partition(" --entrypoint-num-cpus 1 -- ")[0]
    expected = {"GEORAY_STORAGE": "/mnt/georay", "AWS_REGION": 'eu-1 "quoted"'}
    assert json.loads(text) == {"env_vars": expected}


@pytest.mark.parametrize("name", ["GEORAY_STORAGE", "RAY_API_SERVER_ADDRESS"])
def test_what_a_script_needs_is_asked_for(play, monkeypatch, name):
    play("ray")
    monkeypatch.delenv(name)
    done = run("cluster/chain.sh", "jobs/recipes/paper")
    assert done.returncode != 0
    assert f"{name}: set it to" in done.stderr
    assert play.noted() == []


def test_vllm_gets_its_key_by_the_environment_and_not_by_an_argument(play, monkeypatch):
    monkeypatch.setenv("GEORAY_VLLM_KEY", "very-secret")
    play("vllm", 'echo "$VLLM_API_KEY"')
    done = run("cluster/vllm.sh")
    assert done.stdout.strip() == "very-secret"
    assert "very-secret" not in play.noted()[0]
    assert "georeasoner=/mnt/georay/train-qwen2.5-vl/cat" in play.noted()[0]


@pytest.fixture
def allocation(play, tmp_path, monkeypatch):
    """Two nodes of Slurm's; what would run on them for long is played."""
    play("scontrol", r"printf 'node-a\nnode-b\n'")
    play("srun", '[[ "$*" != *hostname* ]] || { echo 192.0.2.7; exit; }; exec sleep 60')
    play("ray")
    for name, value in {
        "SLURM_JOB_ID": "4711",
        "SLURM_JOB_NODELIST": "node-[a-b]",
        "SLURM_SUBMIT_DIR": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    return play


def test_an_allocation_gets_a_head_without_work_and_a_worker_on_every_node(allocation, tmp_path):
    when_all_have = 'until [ "$(grep -c "ray start" "$NOTED")" -ge 3 ]; do sleep 0.1; done; env'
    done = run("cluster/slurm/ray.sbatch", "bash", "-c", when_all_have)
    assert done.returncode == 0, done.stderr
    started = [line for line in allocation.noted() if "ray start" in line]
    (head,) = (line for line in started if "--head" in line)  # each notes itself when it runs
    workers = [line for line in started if line != head]
    assert "--nodelist=node-a ray start --head" in head
    assert "--num-cpus=0 --num-gpus=0" in head
    named = [word for line in workers for word in line.split() if word.startswith("--nodelist=")]
    assert sorted(named) == ["--nodelist=node-a", "--nodelist=node-b"]
    environment = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert environment["RAY_AUTH_MODE"] == "token"
    assert len(environment["RAY_AUTH_TOKEN"]) == 64
    assert environment["RAY_ADDRESS"].startswith("192.0.2.7:")
    assert all(f"--address={environment['RAY_ADDRESS']}" in line for line in workers)
    assert not any(environment["RAY_AUTH_TOKEN"] in line for line in allocation.noted())
    assert not list(tmp_path.glob("*.env"))


def test_a_command_that_fails_is_the_allocations_own_end(allocation):
    assert run("cluster/slurm/ray.sbatch", "bash", "-c", "exit 7").returncode == 7


def test_without_a_command_it_stays_and_its_file_opens_it_until_slurm_ends_it(allocation, tmp_path):
    script = subprocess.Popen(
        ["cluster/slurm/ray.sbatch"], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    line = script.stdout.readline()
    file = tmp_path / "georay-4711.env"
    assert line.rstrip().endswith(f"source {file}")
    assert file.stat().st_mode & 0o777 == 0o600, "it holds the token"
    look = f"source {file} && env"
    told = subprocess.run(["bash", "-c", look], capture_output=True, text=True, check=True).stdout
    assert "RAY_AUTH_TOKEN=" in told
    script.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert script.wait(30) == 143
    assert time.monotonic() - began < 30
    assert not file.exists()


def test_a_head_that_does_not_start_ends_the_allocation(allocation, play):
    play("srun", '[[ "$*" != *hostname* ]] || { echo 192.0.2.7; exit; }; exit 1')
    play("ray", "exit 1")
    done = run("cluster/slurm/ray.sbatch", "true")
    assert done.returncode == 1
    assert "the head did not start" in done.stderr
