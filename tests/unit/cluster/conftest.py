"""Programs that come as packages are found beside the interpreter that runs the tests."""

import os
import sys
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def programs_of_this_environment(monkeypatch):
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
