"""Prefetches batches in a thread while the network learns."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")

AHEAD = 4  # batches that wait for the network


def prefetched(items: Iterable[Item], make: Callable[[Item], Made]) -> Generator[Made, None, None]:
    """Makes the next few items, in order, in a thread while the last one is used."""
    with ThreadPoolExecutor(1) as thread:
        waiting: deque[Future[Made]] = deque()
        for item in items:
            waiting.append(thread.submit(make, item))
            if len(waiting) >= AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
