"""Progress of long work: one live bar in a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

PLAIN_LINE_SECONDS = 5.0


class Meter(Protocol):
    """Reports the progress of long work.

    `resume`: done in an earlier run. `advance`: done since the last call, and of them failed.
    `note`: what else is worth seeing now; it stays until the next note.
    """

    def resume(self, num_done: int) -> None: ...

    def advance(self, num_done: int, num_errors: int = 0) -> None: ...

    def note(self, text: str) -> None: ...


@contextmanager
def progress(title: str, total: int | None, unit: str = "images") -> Iterator[Meter]:
    """A meter on standard error: a live bar in a terminal, a line every few seconds elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        lines = _Lines(title, total, unit)
        yield lines
        lines.close()
        return
    with _bar(console, unit) as bar:
        yield _Bar(bar, title, total)


def _bar(console: Console, unit: str) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn(
            f"{unit} · {{task.fields[rate]}}/s · {{task.fields[errors]}} errors"
            "{task.fields[note]} · ETA"
        ),
        TimeRemainingColumn(),
        console=console,
    )


class _Rate:
    """Counts, and the mean speed since the start."""

    def __init__(self) -> None:
        self.num_done = 0
        self.num_errors = 0
        self.num_before = 0
        self._start = time.monotonic()

    def add(self, num_done: int, num_errors: int) -> None:
        self.num_done += num_done
        self.num_errors += num_errors

    @property
    def per_second(self) -> float:
        return self.num_done / max(time.monotonic() - self._start, 1e-9)


class _Bar:
    def __init__(self, bar: Progress, title: str, total: int | None) -> None:
        self._bar, self._rate = bar, _Rate()
        self._task = bar.add_task(title, total=total, rate="–", errors=0, note="")

    def resume(self, num_done: int) -> None:
        self._bar.update(self._task, completed=num_done)

    def advance(self, num_done: int, num_errors: int = 0) -> None:
        self._rate.add(num_done, num_errors)
        self._bar.update(
            self._task,
            advance=num_done,
            rate=f"{self._rate.per_second:.1f}",
            errors=self._rate.num_errors,
        )

    def note(self, text: str) -> None:
        self._bar.update(self._task, note=f" · {text}")


class _Lines:
    def __init__(self, title: str, total: int | None, unit: str) -> None:
        self._title, self._total, self._unit = title, total, unit
        self._rate, self._said, self._said_done = _Rate(), time.monotonic(), -1
        self._note = ""

    def resume(self, num_done: int) -> None:
        self._rate.num_before = num_done

    def advance(self, num_done: int, num_errors: int = 0) -> None:
        self._rate.add(num_done, num_errors)
        if time.monotonic() - self._said >= PLAIN_LINE_SECONDS:
            self._said = time.monotonic()
            self._say()

    def note(self, text: str) -> None:
        """Said with the next line; the first one, which may have long to wait for that, at once."""
        is_first, self._note = not self._note, f" · {text}"
        if is_first:
            self._say()

    def close(self) -> None:
        if self._said_done != self._rate.num_done:
            self._say()

    def _say(self) -> None:
        rate, total = self._rate, self._total
        self._said_done = rate.num_done
        done = rate.num_before + rate.num_done
        share = f"/{total:,}" if total is not None else ""
        left = (total or done) - done
        eta = f" · ETA {left / rate.per_second:.0f} s" if left and rate.num_done else ""
        sys.stderr.write(
            f"{self._title}: {done:,}{share} {self._unit} · "
            f"{rate.per_second:.1f}/s · {rate.num_errors:,} errors{self._note}{eta}\n"
        )
        sys.stderr.flush()
