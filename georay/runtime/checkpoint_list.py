"""Where Ray Train keeps checkpoints, and its list of them, which it does not write atomically."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from pyarrow.fs import FileSystem

from georay.core.paths import AnyPath, rename
from georay.core.run_folder import read_facts

P = TypeVar("P", bound=AnyPath)

SNAPSHOT = "checkpoint_manager_snapshot.json"


def as_ray_takes_it(folder: AnyPath) -> tuple[str, FileSystem | None]:
    """A run's folder: a path here, or one in a filesystem of pyarrow's."""
    if isinstance(folder, Path):
        return str(folder), None
    filesystem, path = folder.address.found()
    return path, filesystem


def listed_checkpoints(storage: P) -> list[P]:
    """Folders of the checkpoints that Ray Train goes on from, in the folder of its run.

    Raises ValueError, TypeError or KeyError if the list is damaged.
    """
    results = (read_facts(storage / SNAPSHOT) or {}).get("checkpoint_results", [])
    return [cast(P, storage / result["checkpoint_dir_name"]) for result in results]


def set_damaged_list_aside(storage: P, check: Callable[[P], object]) -> str | None:
    """Renames the list if it cannot be read, or `check` raises ValueError for one of its folders.

    Ray Train would refuse to start for ever; without its list the run starts anew. Returns what
    was wrong, for a person.
    """
    try:
        for folder in listed_checkpoints(storage):
            check(folder)
    except (ValueError, TypeError, KeyError) as problem:
        listed = storage / SNAPSHOT
        rename(listed, listed.with_suffix(".damaged"))
        return str(problem)
    return None
