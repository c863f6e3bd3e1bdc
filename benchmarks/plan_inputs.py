"""The named inputs of a plan: each with its value, its unit, and where the value is from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from benchmarks.record import FOLDER

FILE = Path(__file__).with_name("plan.yaml")
_SOURCES = ("record", "paper", "published", "assumed")


@dataclass(frozen=True)
class Input:
    """A number that a plan uses. source: the kind, and the words of it."""

    name: str
    value: float
    unit: str
    kind: str
    source: str


def load_inputs(path: Path = FILE, records: Path = FOLDER) -> dict[str, Input]:
    """All inputs of a file, by name.

    Raises ValueError for an input without a unit, without exactly one source, or whose record is
    not there.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: _input(name, facts, records) for name, facts in content.items()}


def with_values(inputs: Mapping[str, Input], given: Mapping[str, float]) -> dict[str, Input]:
    """The inputs with other values for some. Raises ValueError for a name that is none."""
    if unknown := [name for name in given if name not in inputs]:
        raise ValueError(f"no input {unknown[0]!r}; they are {', '.join(inputs)}")
    told = {
        name: replace(inputs[name], value=value, kind="given", source="on the command line")
        for name, value in given.items()
    }
    return {**inputs, **told}


def _input(name: str, facts: Mapping[str, Any], records: Path) -> Input:
    kinds = [kind for kind in _SOURCES if kind in facts]
    if len(kinds) != 1 or "unit" not in facts:
        raise ValueError(f"{name} needs a unit and one source: {', '.join(_SOURCES)}")
    (kind,) = kinds
    if kind == "record":
        return _recorded(name, facts, records)
    return Input(name, float(facts["value"]), facts["unit"], kind, str(facts[kind]))


def _recorded(name: str, facts: Mapping[str, Any], records: Path) -> Input:
    """(record - less) / divided_by · factor / per."""
    value = _looked_up(facts["record"], records)
    words = str(facts["record"])
    if "less" in facts:
        value -= _looked_up(facts["less"], records)
        words += f" less {facts['less']}"
    if "divided_by" in facts:
        value /= _looked_up(facts["divided_by"], records)
        words += f" by {facts['divided_by']}"
    if "per" in facts:
        words += f" per {facts['per']:,}"
    if "note" in facts:
        words += f": {facts['note']}"
    value *= float(facts.get("factor", 1)) / float(facts.get("per", 1))
    return Input(name, value, facts["unit"], "record", words)


def _looked_up(where: str, records: Path) -> float:
    file, _, path = where.partition(" ")
    try:
        found: Any = json.loads((records / file).read_text(encoding="utf-8"))
        for key in path.split("."):
            found = found[key]
    except (OSError, KeyError, TypeError, json.JSONDecodeError) as problem:
        raise ValueError(f"the record {file} has no {path}: {problem}") from None
    return float(found)
