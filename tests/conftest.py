"""Fixtures shared by every test."""

import shutil
from collections.abc import Callable
from pathlib import Path

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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Says what must run in one process, where the tests are spread over two.

    A file's tests share what its fixtures make; those of the served page share one server.
    """
    for item in items:
        is_served = "server_process" in getattr(item, "fixturenames", ())
        group = "served" if is_served else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))
