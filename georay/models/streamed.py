"""Answers that are streamed: the place first, then the reasons as they are written."""

from collections.abc import Callable
from dataclasses import replace

from georay.models.locations import Location


def report_at_once(
    found: Location, on_place: Callable[[Location], None], on_reasons: Callable[[str], None]
) -> None:
    """Calls back with an answer that did not come in pieces, as a streamed one would."""
    on_place(replace(found, reasons=None))
    if found.reasons:
        on_reasons(found.reasons)


def in_pieces(on_reasons: Callable[[str], None]) -> Callable[[str], None]:
    """A callback that takes the answer written so far, and passes on what its reasons grew by."""
    num_passed = 0

    def on_more(text: str) -> None:
        nonlocal num_passed
        reasons = text.partition('"reasons": "')[2].partition('"')[0]  # the grammar has no escapes
        if len(reasons) > num_passed:
            on_reasons(reasons[num_passed:])
            num_passed = len(reasons)

    return on_more
