"""What georay leaves in the folder for temporary files: nothing, whatever ends it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from georay.runtime.scratch import scratch_folder, uninterrupted

HOLDS = """
import time
from georay.runtime.scratch import scratch_folder
with scratch_folder() as folder:
    print(folder, flush=True)
    time.sleep(600)
"""
CLUSTER = """
import sys, time
from georay import cli
from georay.cli import app
from georay.config.cluster import ClusterRecipe
from georay.runtime.connect import connect

def hold():
    with connect(ClusterRecipe(num_cpus=1)):
        import ray, tempfile
        print(ray.get(ray.remote(tempfile.mkdtemp).remote()), flush=True)
        time.sleep(600)

app.app = hold
cli.main()
"""


@pytest.fixture
def temporary():
    """A folder for temporary files with a name as short as Ray needs it."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="t") as folder:
        yield Path(folder)


def begin(script, temporary):
    process = subprocess.Popen(
        # nohup and its like have a hang-up ignored, and children inherit that
        [sys.executable, "-c", "import signal as s; s.signal(s.SIGHUP, s.SIG_DFL)\n" + script],
        env=os.environ | {"TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # its process group gets what a terminal's Ctrl-C sends
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def left_in(folder):
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize(
    "signals", [(signal.SIGINT,), (signal.SIGINT,) * 2, (signal.SIGTERM,), (signal.SIGHUP,)]
)
def test_a_stopped_run_leaves_no_folder(temporary, signals):
    process, of_a_worker = begin(CLUSTER, temporary)
    assert Path(of_a_worker).is_relative_to(temporary), "workers' files lie in the same place"
    assert left_in(temporary)
    for number in signals:
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        time.sleep(0.7)  # in the middle of cleaning
    assert process.wait(120) != 0
    assert left_in(temporary) == []


def test_what_a_killed_run_left_goes_with_the_next_and_a_living_ones_stays(temporary, monkeypatch):
    killed, left = begin(HOLDS, temporary)
    killed.kill()
    killed.wait()
    living, kept = begin(HOLDS, temporary)
    try:
        assert not Path(left).exists()
        monkeypatch.setattr(tempfile, "tempdir", str(temporary))
        (temporary / "georay-not-marked").mkdir()
        with scratch_folder() as mine:
            assert Path(kept).exists()
            assert mine.is_dir()
        assert sorted(left_in(temporary)) == sorted([Path(kept).name, "georay-not-marked"])
    finally:
        living.kill()
        living.wait()


def test_a_tmpdir_too_long_for_sockets_is_said_to_be_one(temporary, monkeypatch):
    name = temporary / ("x" * 60)
    name.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(name))
    with pytest.raises(ValueError, match="set TMPDIR to a shorter one") as told, scratch_folder():
        pass
    assert str(name) in str(told.value)
    assert left_in(name) == []


def test_the_longest_tmpdir_that_is_taken_is_one_that_ray_starts_in(temporary, monkeypatch):
    room = next(n for n in range(60, 0, -1) if _is_taken(temporary / ("y" * n), monkeypatch))
    folder = temporary / ("y" * room)
    folder.mkdir(exist_ok=True)
    process, of_a_worker = begin(CLUSTER, folder)
    os.killpg(process.pid, signal.SIGINT)
    process.wait(120)
    assert of_a_worker, process.stderr.read() if process.stderr else ""


def _is_taken(folder, monkeypatch):
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    try:
        with scratch_folder():
            return True
    except ValueError:
        return False
    finally:
        shutil.rmtree(folder)


def test_an_interrupt_waits_while_something_is_ended_in_order():
    before = signal.getsignal(signal.SIGINT)
    with uninterrupted():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGINT) is before
