"""The one retry policy for reads, listings and writes of a storage."""

import re
import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

TRIES = 4
_FIRST_WAIT_S = 0.5  # doubled before each further try
_LASTING = re.compile(
    "ACCESS_DENIED|NO_SUCH_BUCKET|NO_SUCH_KEY|INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH|"
    "NoSuchBucket|AccessDenied|HTTP response code 40[0134]"
)
"""Of S3's answers: what asking again does not change."""


def with_retries(ask: Callable[[], Value]) -> Value:
    """What `ask` returns, asked up to four times while it fails for a moment.

    What is absent, forbidden or no file stays so, and a full disk stays full: that is raised at
    once. Whatever is asked must do no harm when it is done twice. Raises OSError as `ask` does.
    """
    wait_s = _FIRST_WAIT_S
    for _ in range(TRIES - 1):
        try:
            return ask()
        except OSError as problem:
            if not is_momentary(problem):
                raise
        time.sleep(wait_s)
        wait_s *= 2
    return ask()


def is_momentary(problem: OSError) -> bool:
    """Whether asking again may help."""
    lasting = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
    return not isinstance(problem, lasting) and not _LASTING.search(str(problem))
