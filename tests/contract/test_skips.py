"""What a run says about its skipped tests, and that CI takes none for granted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HELPERS = Path(__file__).parents[1] / "support"
HOOKS = "from skips import pytest_make_collect_report, pytest_runtest_makereport\n"
HOOKS += "from skips import pytest_terminal_summary\n"
LACKING = """
import pytest

def test_browser():
    pytest.skip("no Chromium on this machine")

def test_data():
    pytest.skip("reference data not here: ../shared/x")
"""
MODULE = "import pytest\npytest.importorskip('absent_package', reason='needs a package')\n"


@pytest.fixture
def run(tmp_path):
    (tmp_path / "conftest.py").write_text(HOOKS)
    (tmp_path / "test_lacking.py").write_text(LACKING)
    (tmp_path / "test_module.py").write_text(MODULE)

    def pytest_with(ci: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", str(tmp_path)]
        return subprocess.run(
            command,
            env=os.environ | {"CI": ci, "PYTHONPATH": str(HELPERS)},
            capture_output=True,
            text=True,
            check=False,
        )

    return pytest_with


def test_every_skip_is_named_with_its_reason_and_its_file(run):
    done = run("")
    assert done.returncode == 0, done.stdout
    assert "3 skipped, and why" in done.stdout
    for reason, file in (
        ("no Chromium on this machine", "test_lacking.py"),
        ("reference data not here: ../shared/x", "test_lacking.py"),
        ("needs a package", "test_module.py"),
    ):
        assert f"   1  {reason}  ({file})" in done.stdout


def test_where_all_is_installed_a_skip_is_a_failure_but_for_reference_data(run):
    done = run("true")
    assert done.returncode != 0
    assert "no test skips for what can be installed: needs a package" in done.stdout
    (Path(done.args[-1]) / "test_module.py").unlink()
    told = run_again(done.args)
    assert "no test skips for what can be installed: no Chromium" in told
    assert "1 failed, 1 skipped" in told


def run_again(command: list[str]) -> str:
    environment = os.environ | {"CI": "true", "PYTHONPATH": str(HELPERS)}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False
    ).stdout
