"""Fixtures shared by every test."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from scratch import (  # noqa: F401
    pytest_configure,
    pytest_sessionfinish,
    pytest_unconfigure,
)
from skips import (  # noqa: F401  (pytest finds these hooks here)
    pytest_make_collect_report,
    pytest_runtest_makereport,
    pytest_terminal_summary,
)
from xdist.scheduler import LoadFileScheduling

PROJECT = Path(__file__).resolve().parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

# How fast a machine draws examples is no property of the code under test.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """Path of a piece of reference data beside the project; skips the test where it is absent."""

    def locate(relative: str) -> Path:
        path = PROJECT.parent / "shared" / relative
        if not path.exists():
            pytest.skip(f"reference data not here: ../shared/{relative}")
        return path

    return locate


@pytest.fixture(scope="session")
def chromium_program() -> str:
    """The browser's path; `tests/install_browser.sh` installs one where it can."""
    program = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium on this machine: install the package chromium")
    return program


LONGEST = (
    *("test_train.py", "test_baselines_cluster.py", "test_storage_chain.py", "test_page.py"),
    *("test_collect_cluster.py", "test_demo.py", "test_curate_whole.py", "test_clues_run.py"),
    *("test_predict_cluster.py", "test_curate.py", "test_locate_cluster.py"),
    *("test_curate_inputs.py", "test_points_cluster.py", "test_export_killed.py"),
    *("test_zero.py", "test_systems.py", "test_scratch.py", "test_connect.py", "test_cli.py"),
    *("test_pretrain.py", "test_collection.py"),
)
"""Those of tests/integration stay together: they share a cluster, which ends behind the last."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that no process waits at the end for one of them."""
    places = {name: place for place, name in enumerate(LONGEST)}
    for name in SERVED:
        places[name] = places["test_page.py"]
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


SERVED = {"test_serving.py", "test_page.py", "test_api_description.py"}


class _ByFile(LoadFileScheduling):
    """A file's tests go to one process, for they share what its fixtures make; those of the served
    page all to the same one, for they share a server."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "served" if Path(file).name in SERVED else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _ByFile:
    """How tests are spread over processes."""
    return _ByFile(config, log)
