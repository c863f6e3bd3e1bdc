"""Who may import the engine and the heavy libraries: what import-linter's layers cannot say."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
ENGINE = (
    "georay/curation/pipeline.py",
    "georay/acquisition/download/pipeline.py",
    "georay/acquisition/roads/dataset.py",
    "georay/clues/pipeline.py",
    "georay/streetworld/export/dataset.py",
    "georay/training/trainer.py",
    "georay/training/loop.py",
    "georay/serving/app.py",
    "georay/serving/ingress/deployment.py",
    "georay/evaluation/runner.py",
    "georay/evaluation/baselines/trainer.py",
    "georay/evaluation/baselines/loop.py",
    "georay/runtime/",
    "benchmarks/",
)
NETWORKS = (
    "georay/models/",
    "georay/training/",
    "georay/factory/",
    "georay/evaluation/",
    "georay/cli/doctor.py",
    "benchmarks/",
)
ALLOWED = {
    "ray": ENGINE,
    "torch": NETWORKS,
    "transformers": NETWORKS,
    "peft": NETWORKS,
    "sentence_transformers": NETWORKS,
}
SOURCES = sorted(
    path for room in ("georay", "jobs", "benchmarks") for path in (PROJECT / room).rglob("*.py")
)


@cache
def imports(path: Path) -> frozenset[str]:
    """Top names of all modules that a file imports, also inside its functions."""
    return frozenset(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]


def strangers(library: str) -> list[str]:
    names = [path.relative_to(PROJECT).as_posix() for path in SOURCES if library in imports(path)]
    return [name for name in names if not name.startswith(ALLOWED[library])]


@pytest.mark.parametrize("library", ALLOWED)
def test_a_heavy_library_is_imported_only_where_the_design_says(library):
    assert strangers(library) == []


def test_the_scan_sees_the_imports_that_the_design_allows():
    assert "ray" in imports(PROJECT / "georay/curation/pipeline.py")
    assert "ray" in imports(PROJECT / "georay/runtime/connect.py"), "inside a function"
    assert "torch" in imports(PROJECT / "georay/models/segmenters/small.py")


@pytest.mark.parametrize("module", ["pickle", "dill", "cloudpickle", "joblib", "shelve"])
def test_nothing_unpickles(module):
    assert [str(path) for path in SOURCES if module in imports(path)] == []


def test_no_module_has_a_name_that_says_nothing():
    vague = {"utils", "helpers", "common", "manager", "handler", "misc"}
    assert [str(path) for path in SOURCES if path.stem in vague] == []
