"""What all workers must see alike, or one of them waits for the others for ever."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch.distributed

from georay.errors import GeorayError

Value = TypeVar("Value")


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
