"""Samples that all tests of baselines learn from."""

from pathlib import Path

import pytest
from baseline_room import write_samples


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Parquet file of twenty training pictures and six others."""
    return write_samples(tmp_path_factory.mktemp("baselines") / "drawn")
