"""Fixtures shared by every test."""

from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """Path of a piece of reference data beside the project; skips the test where it is absent."""

    def locate(relative: str) -> Path:
        path = PROJECT.parent / "shared" / relative
        if not path.exists():
            pytest.skip(f"reference data not here: ../shared/{relative}")
        return path

    return locate
