"""What the wheel carries: every file of the package, not its modules alone."""

from pathlib import Path

import pytest
from setuptools import Distribution

PROJECT = Path(__file__).parents[2]
BUILT = {"__pycache__"}


@pytest.fixture(scope="module")
def packed() -> set[str]:
    """The files that the builder of the wheel takes, as paths within the project."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(PROJECT)
        project = Distribution()
        project.script_name = "setup.py"  # there is none; the builder leaves it out
        project.parse_config_files()
        build = project.get_command_obj("build_py")
        build.ensure_finalized()
        outputs = build.get_outputs(include_bytecode=False)
        return {Path(name).relative_to(build.build_lib).as_posix() for name in outputs}


def test_the_wheel_has_every_file_of_the_package(packed: set[str]) -> None:
    files = (path.relative_to(PROJECT) for path in (PROJECT / "georay").rglob("*"))
    there = {
        path.as_posix()
        for path in files
        if (PROJECT / path).is_file() and not BUILT & set(path.parts)
    }
    assert there - packed == set()


def test_the_wheel_has_the_atlas(packed: set[str]) -> None:
    atlas = "georay/streetworld/atlas"
    assert {
        f"{atlas}/order.yaml",
        f"{atlas}/countries/GB.yaml",
        f"{atlas}/landmarks/towers.yaml",
    } <= (packed)
