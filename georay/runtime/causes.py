"""Finds the cause of a worker's failure in the traceback that Ray gives as one text."""

import re

_NEXT_ERROR = re.compile(r"\n(?=[A-Za-z_][\w.]*: )")


def cause_in(traceback: str) -> str:
    """The last error's message, without its name; errors of Ray's own only hand on another's."""
    first, *errors = _NEXT_ERROR.split(traceback)
    own = [error for error in errors if not error.startswith("ray.")]
    last = [first, *errors, *own][-1]
    message = last.partition(": ")[2] if errors else last
    return message.partition("\n\nThe above exception was")[0].strip()
