"""A folder for all temporary files of a run, which goes with it; only a failed run leaves it."""

import os
import shutil
import tempfile

import psutil
import pytest

FOLDER = pytest.StashKey[str]()
BEFORE = pytest.StashKey[str | None]()


def pytest_configure(config: pytest.Config) -> None:
    """What tests start inherits it; a second process of pytest-xdist finds it set."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    config.stash[BEFORE] = os.environ.get("TMPDIR")
    config.stash[FOLDER] = tempfile.mkdtemp(prefix="t-")  # short: Ray's sockets lie in it
    _use(config.stash[FOLDER])


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    fine = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    folder = session.config.stash.get(FOLDER, None)
    if folder is not None and exitstatus not in fine:
        session.config.add_cleanup(lambda: print(f"files of the failed tests: {folder}"))
        del session.config.stash[FOLDER]


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash.get(FOLDER, None)
    if folder is None:
        return
    _use(config.stash[BEFORE])
    for one in left_behind(folder):
        print(f"left behind by a test: process {one.pid}, {' '.join(one.cmdline())[:100]}")
    shutil.rmtree(folder, ignore_errors=True)


def left_behind(folder: str) -> list[psutil.Process]:
    """Processes that tests started and that are no longer anyone's."""
    found = []
    for one in psutil.process_iter():
        try:
            if one.environ().get("TMPDIR") == folder and one.pid != os.getpid():
                found.append(one)
        except (psutil.Error, OSError):
            continue
    _, alive = psutil.wait_procs(found, timeout=5)
    own = {child.pid for child in psutil.Process().children()}
    return [one for one in alive if one.pid not in own]


def _use(folder: str | None) -> None:
    tempfile.tempdir = None  # read again from the environment
    if folder is None:
        os.environ.pop("TMPDIR", None)
    else:
        os.environ["TMPDIR"] = folder
