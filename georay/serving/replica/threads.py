"""Work that an event loop hands to a thread."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")


async def run_in(
    thread: ThreadPoolExecutor,
    work: Callable[Given, Result],
    *given: Given.args,
    **named: Given.kwargs,
) -> Result:
    """What `work` returns or raises, run in a thread of this executor."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(thread, lambda: work(*given, **named))


def milliseconds_since(started: float) -> float:
    """started: of `time.perf_counter`."""
    return (time.perf_counter() - started) * 1000
