"""Benchmark records: what was measured, on what, with which code, and how much it varied."""

import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from georay.core.manifest import machine, versions, write_json

FOLDER = Path(__file__).parent / "records"
_ROOT = Path(__file__).parents[1]
_WRITTEN = ("benchmarks/records", "docs", "*.md")  # results and words: no figure depends on them


def spread(values: Sequence[float]) -> dict[str, object]:
    """Median, extremes and every value of a repeated measurement."""
    return {
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
        "values": list(values),
    }


def write_record(name: str, config: Mapping[str, object], results: Mapping[str, object]) -> Path:
    """Writes benchmarks/records/NAME.json and returns its path; raises as `computing_commit`."""
    path = FOLDER / f"{name}.json"
    content = {
        "benchmark": name,
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python", "-m", *_module_and_arguments()]),
        "commit": computing_commit(),
        "machine": machine(),
        "versions": versions(),
        "config": dict(config),
        "results": dict(results),
    }
    write_json(path, content)
    return path


def _module_and_arguments() -> list[str]:
    module = Path(sys.argv[0]).resolve().with_suffix("")
    parts = module.relative_to(_ROOT).parts if module.is_relative_to(_ROOT) else module.parts[-2:]
    return [".".join(parts).removesuffix(".__main__"), *map(_from_the_checkout, sys.argv[1:])]


def _from_the_checkout(argument: str) -> str:
    """A path as seen from the checkout: where a machine keeps it is nobody's business."""
    is_path = Path(argument).is_absolute() and Path(argument).exists()
    return os.path.relpath(argument, _ROOT) if is_path else argument


@cache
def computing_commit() -> str:
    """The commit whose code computes the figures; a benchmark asks before it begins.

    Raises ValueError where no commit is that: outside a checkout, or with changes of any kind but
    those that benchmarks make themselves, to records and to the figures in docs.
    """
    changed = _git("status", "--porcelain", "--", ".", *(f":(exclude){one}" for one in _WRITTEN))
    if changed:
        raise ValueError(
            f"a record names the commit that computed it, and this checkout differs from its own: "
            f"{', '.join(line[3:] for line in changed.splitlines())}. Commit or stash these files, "
            "then run again"
        )
    return _git("rev-parse", "--short=12", "HEAD")


def _git(*arguments: str) -> str:
    found = subprocess.run(
        ["git", *arguments], cwd=_ROOT, capture_output=True, text=True, check=False
    )
    if found.returncode:
        raise ValueError(
            "a record names the commit that computed it, and this is no git checkout: "
            f"clone georay and run there ({found.stderr.strip()})"
        )
    return found.stdout.rstrip()
