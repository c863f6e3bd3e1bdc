"""The files of cluster/, read for tests, and broken in one place for those that must notice."""

import copy
from pathlib import Path
from typing import Any

import yaml

CLUSTER = Path(__file__).parents[1] / "cluster"
GONE = object()
"""As a value: the field is taken away."""


def documents(name: str) -> list[dict[str, Any]]:
    """Every document of a YAML file of cluster/."""
    return list(yaml.safe_load_all((CLUSTER / name).read_text(encoding="utf-8")))


def document(name: str, kind: str) -> dict[str, Any]:
    """The document of a kind of Kubernetes, by its name where the file has several."""
    kind, _, wanted = kind.partition("/")
    found = [one for one in documents(name) if one["kind"] == kind]
    return next(one for one in found if wanted in ("", one["metadata"]["name"]))


def broken(content: Any, path: str, value: Any) -> Any:
    """A copy with one field changed, added, or taken away. path: keys and numbers with dots."""
    changed = copy.deepcopy(content)
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    inside = changed
    for part in way:
        inside = inside[part]
    if value is GONE:
        del inside[last]
    else:
        inside[last] = value
    return changed
