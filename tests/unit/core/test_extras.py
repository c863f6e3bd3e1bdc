"""A bare installation scores and answers; what it lacks is named by the extra that brings it."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from georay.core.extras import EXTRAS, require_extra

PROJECT = Path(__file__).parents[3]
BARE = (
    *("georay.curation.curate", "georay.curation.pipeline", "georay.curation.samples"),
    *("georay.evaluation.predict", "georay.evaluation.runner", "georay.evaluation.side_by_side"),
    *("georay.flow.collection", "georay.models.locator", "georay.cli.app"),
)


def without_extras(code):
    """Runs code where every package of an extra seems not to be installed."""
    names = [name for names in EXTRAS.values() for name in names]
    hidden = f"import sys\nfor name in {names!r}: sys.modules[name] = None\n"
    return subprocess.run(
        [sys.executable, "-c", hidden + code], capture_output=True, text=True, check=False
    )


def test_what_scores_and_answers_imports_nothing_of_an_extra():
    code = "import importlib\n" + "\n".join(f"importlib.import_module({one!r})" for one in BARE)
    done = without_extras(code)
    assert done.returncode == 0, done.stderr


def test_verbs_and_names_that_need_one_say_which():
    code = """
import georay
from typer.testing import CliRunner
from georay.cli.app import app
for arguments in (["train", "r.yaml"], ["baseline", "r.yaml"], ["serve"], ["demo"],
                  ["streetworld", "--out", "o"]):
    print(arguments[0], CliRunner().invoke(app, arguments).exception)
try:
    georay.StreetWorld
except ValueError as problem:
    print("python", problem)
"""
    said = without_extras(code).stdout.splitlines()
    extras = {line.partition(" ")[0]: line.rpartition("'georay[")[2] for line in said}
    assert extras == {
        "train": "train]'",
        "baseline": "train]'",
        "serve": "serve]'",
        "demo": "streetworld]'",
        "streetworld": "streetworld]'",
        "python": "streetworld]'",
    }


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_that_is_checked_is_one_that_can_be_installed(extra):
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert extra in project["optional-dependencies"]
    require_extra(extra, "testing")  # all are here
