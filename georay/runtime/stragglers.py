"""Ends processes that outlive their private cluster.

Ray forgets a worker that says goodbye and then hangs on its way out (ray-project/ray#52322). The
controllers of Ray Train do so at times: they deadlock in Ray's native shutdown, and each would keep
half a GiB for ever.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

GRACE_SECONDS = 3.0


@contextmanager
def none_outlives(scratch: Path | None) -> Iterator[None]:
    """Around a cluster's end: its processes may take `GRACE_SECONDS`, then they are killed.

    scratch: the folder that this cluster alone was started with, by this process; None if it was
    only joined.
    """
    processes = [] if scratch is None else _started_with(scratch)
    try:
        yield
    finally:
        _, left = psutil.wait_procs(processes, timeout=GRACE_SECONDS)
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=GRACE_SECONDS)


def _started_with(scratch: Path) -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):  # it may end meanwhile
            if any(str(scratch) in argument for argument in child.cmdline()):
                found += [child, *child.children(recursive=True)]
    return found
