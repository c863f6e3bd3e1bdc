"""Leaves georay's own output folders out of the inputs."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from georay.core.paths import AnyPath, StoragePath
from georay.core.storage import Address, LocalAddress, StorageAddress

# A folder that holds all of one of these was written by a verb, finished or not.
_MARKS = (
    frozenset({"settings.json", "weights.json"}),
    frozenset({"settings.json", "recipe.yaml"}),
    frozenset({"manifest.json", "recipe.yaml"}),
    frozenset({"samples.json", "samples.yaml"}),
    frozenset({"export.json", "README.md"}),
    frozenset({"scenes", "curation"}),
    frozenset({"scenes", "vision"}),
)
_WRITTEN = frozenset(
    {"parts", "scores", "curated", "examples", "report.html", "samples", "samples_pictures"}
)


@dataclass(frozen=True)
class FilesOutsideRuns:
    """Files outside the folders of runs, and how many lie in each of those."""

    files: tuple[Address, ...]
    left_out: dict[str, int]


def files_outside_runs(
    files: Sequence[Address], listed: Sequence[Address], folder: Address, output: AnyPath | None
) -> FilesOutsideRuns:
    """The files that no run wrote.

    listed: all that lies below the folder, by which runs are known. output: the folder of the run
    that asks, which may be this one or lie in it.
    """
    runs = _runs_below(listed, folder, output)
    kept: list[Address] = []
    left_out: Counter[str] = Counter()
    for file in files:
        relative = folder.relative(file)
        run = next((above for above in _above(relative) if above in runs), None)
        if run is None and "" in runs and relative.partition("/")[0] in _WRITTEN:
            run = ""
        if run is None:
            kept.append(file)
        else:
            left_out[run] += 1
    return FilesOutsideRuns(tuple(kept), {_named(folder, run): n for run, n in left_out.items()})


def _named(folder: Address, run: str) -> str:
    return (folder.child(run) if run else folder).uri


def _runs_below(listed: Sequence[Address], folder: Address, output: AnyPath | None) -> set[str]:
    """The folders of runs by their names from here; the folder itself is ``""``."""
    inside: defaultdict[str, set[str]] = defaultdict(set)
    for file in listed:
        relative = folder.relative(file)
        above = ""
        for below in [*_above(relative), relative]:
            inside[above].add(below[len(above) :].lstrip("/"))
            above = below
    runs = {above for above, names in inside.items() if any(mark <= names for mark in _MARKS)}
    own = _own(folder, output)
    return runs if own is None else runs | {own}


def _own(folder: Address, output: AnyPath | None) -> str | None:
    if isinstance(output, StoragePath):
        return _own_in_storage(folder, output.address)
    if output is None or not isinstance(folder, LocalAddress):
        return None
    here, there = os.path.realpath(folder.path), os.path.realpath(output)
    if there == here:
        return ""
    inside = f"{here.rstrip('/')}/"
    return there[len(inside) :] if there.startswith(inside) else None


def _own_in_storage(folder: Address, output: StorageAddress) -> str | None:
    """Options only say how a storage is reached."""
    if not isinstance(folder, StorageAddress):
        return None
    if (folder.scheme, folder.authority) != (output.scheme, output.authority):
        return None
    here, there = folder.key.rstrip("/"), output.key.rstrip("/")
    if there == here:
        return ""
    inside = f"{here}/" if here else ""
    return there[len(inside) :] if there.startswith(inside) else None


def _above(relative: str) -> Iterator[str]:
    """The folders that a file lies in, the outermost first."""
    parts = relative.split("/")[:-1]
    for number in range(1, len(parts) + 1):
        yield "/".join(parts[:number])
