import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from storage_server import serving_bucket

from georay.core import locks
from georay.core.locks import only_writer
from georay.core.paths import path_of

ENTER = """
import errno, fcntl, sys, time
from georay.core.locks import only_writer
from georay.core.paths import path_of

def refuse(file, flags):
    raise OSError(errno.ENOLCK, "No locks available")

if sys.argv[2] == "without locks":
    fcntl.flock = refuse
with only_writer(path_of(sys.argv[1])):
    print("inside", flush=True)
    time.sleep(float(sys.argv[3]))
"""


def enter_from_another_process(folder, locking="with locks"):
    command = [sys.executable, "-c", ENTER, str(folder), locking, "0"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def begin_in_another_process(folder, locking="with locks"):
    """A process that holds the folder for a minute."""
    command = [sys.executable, "-c", ENTER, str(folder), locking, "60"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "inside\n"
    return process


@pytest.fixture(scope="module")
def bucket():
    with serving_bucket() as served:
        yield served


@pytest.fixture
def stored(bucket, request):
    return path_of(bucket.uri(request.node.name))


@pytest.fixture
def without_locks(monkeypatch):
    def refuse(file, flags):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)


def claims(folder):
    return sorted(one.name for one in (folder / ".lock.claims").glob("*.json"))


def test_a_second_writer_is_refused_until_the_first_is_done(tmp_path):
    with only_writer(tmp_path):
        refused = enter_from_another_process(tmp_path)
    assert refused.returncode == 1
    assert "another run is writing to" in refused.stderr
    assert enter_from_another_process(tmp_path).stdout == "inside\n"


@pytest.mark.parametrize("locking", ["with locks", "without locks"])
def test_a_run_that_leaves_no_file_leaves_no_folder(tmp_path, request, locking):
    if locking == "without locks":
        request.getfixturevalue("without_locks")
    with pytest.raises(ValueError, match="no pictures"), only_writer(tmp_path / "runs" / "mine"):
        assert (tmp_path / "runs" / "mine").is_dir()
        raise ValueError("no pictures")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_or_holds_something_stays(tmp_path):
    (tmp_path / "theirs").mkdir()
    with only_writer(tmp_path / "theirs"):
        pass
    assert (tmp_path / "theirs").is_dir()
    with only_writer(tmp_path / "runs" / "mine"):
        (tmp_path / "runs" / "mine" / "a.txt").write_text("kept")
        (tmp_path / "runs" / "other").mkdir()
    assert (tmp_path / "runs" / "mine" / "a.txt").read_text() == "kept"
    with only_writer(tmp_path / "runs" / "third"):
        pass
    assert {one.name for one in (tmp_path / "runs").iterdir()} == {"mine", "other"}


def test_a_lock_file_that_was_removed_meanwhile_holds_nothing(tmp_path, monkeypatch):
    """The one before removed its folder between our opening the file and our locking it."""
    folder, lock = tmp_path / "run", fcntl.flock

    def removed_just_before(file, flags):
        if (folder / locks.LOCK).exists():
            (folder / locks.LOCK).unlink()
        lock(file, flags)

    monkeypatch.setattr(fcntl, "flock", removed_just_before)
    with pytest.raises(ValueError, match="another run"), only_writer(folder):
        raise AssertionError("two runs could be inside")


def test_a_second_writer_to_a_storage_is_refused_at_once_and_told_by_whom(stored):
    with only_writer(stored):
        began = time.monotonic()
        refused = enter_from_another_process(stored)
        assert time.monotonic() - began < 30
    assert refused.returncode == 1
    assert "another run is writing to" in refused.stderr
    assert f"process {os.getpid()} on" in refused.stderr
    assert claims(stored) == []
    assert enter_from_another_process(stored).stdout == "inside\n"


def test_a_mount_without_locks_is_held_by_a_claim_and_said_to_be_that(tmp_path, without_locks):
    with only_writer(tmp_path):
        assert len(claims(tmp_path)) == 1
        refused = enter_from_another_process(tmp_path, "without locks")
        assert "another run is writing to" in refused.stderr
        assert "does not lock files: No locks available" in refused.stderr
    assert claims(tmp_path) == []
    assert enter_from_another_process(tmp_path, "without locks").stdout == "inside\n"


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS])
def test_one_writer_alone_goes_on_where_nothing_is_locked(tmp_path, monkeypatch, number):
    def refuse(file, flags):
        raise OSError(number, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with only_writer(tmp_path), pytest.raises(ValueError, match="another"), only_writer(tmp_path):
        pass


def test_a_lock_that_fails_for_another_reason_is_not_called_another_run(tmp_path, monkeypatch):
    def fail(file, flags):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", fail)
    cause = "cannot be locked: Input/output"
    with pytest.raises(ValueError, match=cause) as told, only_writer(tmp_path):
        pass
    assert "another run" not in str(told.value)


def test_a_killed_run_of_this_machine_holds_nothing(stored):
    process = begin_in_another_process(stored)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(claims(stored)) == 1
    with only_writer(stored):
        assert len(claims(stored)) == 1
    assert claims(stored) == []


def test_a_run_of_another_machine_holds_until_it_stops_renewing(tmp_path, without_locks):
    elsewhere = {"host": "far", "machine": "another", "process": 1, "began": 0.0, "is_inside": True}
    folder = tmp_path / ".lock.claims"
    folder.mkdir()
    claim = folder / "0.json"
    claim.write_text(json.dumps(elsewhere))
    with pytest.raises(ValueError, match="process 1 on far"), only_writer(tmp_path):
        pass
    long_ago = time.time() - locks.LEASE_S - 5
    os.utime(claim, (long_ago, long_ago))
    with only_writer(tmp_path):
        assert not claim.exists()


def test_a_claim_is_renewed_while_its_run_goes_on(tmp_path, without_locks, monkeypatch):
    monkeypatch.setattr(locks, "_RENEWED_EVERY_S", 0.02)
    with only_writer(tmp_path):
        (claim,) = (tmp_path / ".lock.claims").glob("*.json")
        os.utime(claim, (0, 0))
        deadline = time.monotonic() + 10
        while claim.stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert claim.stat().st_mtime > 0


def test_of_many_that_come_at_once_never_two_are_inside(tmp_path, without_locks):
    inside, most, entered = 0, 0, 0
    counting, together = threading.Lock(), threading.Barrier(6)

    def enter():
        nonlocal inside, most, entered
        together.wait()
        try:
            with only_writer(tmp_path):
                with counting:
                    inside, entered = inside + 1, entered + 1
                    most = max(most, inside)
                time.sleep(0.2)
                with counting:
                    inside -= 1
        except ValueError:
            pass

    threads = [threading.Thread(target=enter) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (most, entered >= 1) == (1, True)
    assert claims(tmp_path) == []
