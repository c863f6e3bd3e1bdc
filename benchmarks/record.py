"""Benchmark records: what was measured, on what, with which code, and how much it varied."""

import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from georay.core.manifest import machine, versions, write_json

FOLDER = Path(__file__).parent / "records"


def spread(values: Sequence[float]) -> dict[str, object]:
    """Median, extremes and every value of a repeated measurement."""
    return {
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
        "values": list(values),
    }


def write_record(name: str, config: Mapping[str, object], results: Mapping[str, object]) -> Path:
    """Writes benchmarks/records/NAME.json and returns its path."""
    path = FOLDER / f"{name}.json"
    content = {
        "benchmark": name,
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python", "-m", *_module_and_arguments()]),
        "commit": _commit(),
        "machine": machine(),
        "versions": versions(),
        "config": dict(config),
        "results": dict(results),
    }
    write_json(path, content)
    return path


def _module_and_arguments() -> list[str]:
    module = Path(sys.argv[0]).resolve()
    return [f"{module.parent.name}.{module.stem}", *sys.argv[1:]]


def _commit() -> str:
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "not a git checkout"
