"""Decisions that all workers must share, or one would wait for the others for ever.

Also what workers of one machine must not do all at once."""

import fcntl
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch.distributed

from georay.core.paths import AnyPath, files_below, relative_name, size_of
from georay.errors import GeorayError

Value = TypeVar("Value")

PATIENCE_S = 120.0  # mounts hide a new file from other machines for up to a minute
LOOK_EVERY_S = 0.5


def as_first_worker(value: Value) -> Value:
    """The first worker's value on every worker: a shared folder may look older to the others."""
    told = [value]
    torch.distributed.broadcast_object_list(told)
    return told[0]


@contextmanager
def all_or_none() -> Iterator[None]:
    """What one worker could not do, all of them give up together, with that worker's words.

    Raises ValueError on every worker, naming the machine, where the body raised ValueError or a
    GeorayError on any. The body must not wait for other workers.
    """
    problem = None
    try:
        yield
    except (GeorayError, ValueError) as found:
        problem = f"{found} (on {socket.gethostname()})"
    problems: list[str | None] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(problems, problem)
    if first := next((one for one in problems if one is not None), None):
        raise ValueError(first)


def wait_until_seen(folder: AnyPath) -> None:
    """Returns when this worker sees every file below the folder that the first worker sees, whole.

    All workers together. Raises ValueError on every worker, naming machine and file, where one does
    not see a file within two minutes.
    """
    is_first = torch.distributed.get_rank() == 0
    told: dict[str, int] | None = None
    with all_or_none():
        told = _sizes(folder) if is_first else None
    expected = as_first_worker(told)
    assert expected is not None
    with all_or_none():
        _wait_for(folder, expected)


def _wait_for(folder: AnyPath, expected: dict[str, int]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while absent := [name for name, size in expected.items() if not _is_there(folder / name, size)]:
        if time.monotonic() > deadline:
            raise ValueError(
                f"{folder / absent[0]} is there for the first worker and not here after "
                f"{PATIENCE_S:.0f} s: does every node see the folder?"
            )
        time.sleep(LOOK_EVERY_S)


def _is_there(file: AnyPath, size: int) -> bool:
    try:
        if isinstance(file, Path):
            list(file.parent.iterdir())  # asks a mount that still believes in its older list
        return size_of(file) == size
    except OSError:
        return False


def _sizes(folder: AnyPath) -> dict[str, int]:
    return {relative_name(file, folder): size_of(file) for file in files_below(folder)}


@contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """Within, no other process of this machine is in a block of the same name.

    It ends with its process, whatever ends it. Waiting is no collective: a worker that waits here
    must not be waited for inside.
    """
    with Path(tempfile.gettempdir(), f"georay-{what}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
