"""The log of a stage's steps, and the guard that stops a run that learns nothing."""

import json
import math
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TextIO

from georay.config.train import WatchRecipe
from georay.core.manifest import write_atomic
from georay.core.paths import AnyPath, StoragePath
from georay.training.trackers import Tracker

_PUT_EVERY_S = 2.0


@dataclass(frozen=True)
class StepRecord:
    """One finished step. num_tokens: of the network's input, padding apart; seconds: since the
    step before ended, so logs and checkpoints count too.

    loss: mean over the answers' tokens of the global batch, in nats. grad_norm: before clipping.
    """

    step: int
    loss: float
    learning_rate: float
    grad_norm: float | None
    num_samples: int
    num_tokens: int
    seconds: float


class StepLog:
    """Writes records as lines of JSON, and passes them on to trackers."""

    def __init__(self, path: AnyPath, trackers: Sequence[Tracker], first: int) -> None:
        """first: the step that comes next; what a killed run wrote of later ones is dropped."""
        kept = [record for record in read_steps(path) if record.step < first]
        write_atomic(path, "".join(_line(record) for record in kept))
        self._file = _grown(path)
        self._trackers = trackers

    def write(self, record: StepRecord) -> None:
        self._file.write(_line(record))
        self._file.flush()
        for tracker in self._trackers:
            tracker.write(record.step, _curves(record))

    def keep(self) -> None:
        """Puts every line where a kill does not reach it: before a checkpoint of its step."""
        if isinstance(self._file, _Grown):
            self._file.put()

    def close(self) -> None:
        self._file.close()
        for tracker in self._trackers:
            tracker.close()


def _grown(path: AnyPath) -> "_Grown | TextIO":
    """The file, to add lines to."""
    return _Grown(path) if isinstance(path, StoragePath) else path.open("a", encoding="utf-8")


class _Grown:
    """A text file of a storage, where nothing can be added to one: it is put there whole again.

    That every few seconds, at checkpoints and at the end: the steps that a killed run had not put
    are done again anyway.
    """

    def __init__(self, path: StoragePath) -> None:
        self._path = path
        self._text = path.read_text() if path.is_file() else ""
        self._put_at = time.monotonic()

    def write(self, text: str) -> None:
        self._text += text

    def flush(self) -> None:
        if time.monotonic() - self._put_at >= _PUT_EVERY_S:
            self.put()

    def close(self) -> None:
        self.put()

    def put(self) -> None:
        write_atomic(self._path, self._text)
        self._put_at = time.monotonic()


def read_steps(path: AnyPath) -> list[StepRecord]:
    """The records of a log; none if there is no log yet. Half-written lines are left out."""
    if not path.exists():
        return []
    text = path.read_bytes().decode("utf-8", errors="replace")
    lines = text.splitlines(keepends=True)
    records = [_record(line) for line in lines if line.endswith("\n")]
    return [record for record in records if record is not None]


def _record(line: str) -> StepRecord | None:
    try:
        return StepRecord(**json.loads(line))
    except (ValueError, TypeError):  # what a full disk left of it
        return None


def read_notes(path: AnyPath) -> list[str]:
    """What a stage had to say, a line each; none if there is no such file."""
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def add_note(path: AnyPath, note: str) -> None:
    """Says it once, also when a resumed stage finds it again."""
    if note not in (known := read_notes(path)):
        write_atomic(path, "".join(f"{one}\n" for one in [*known, note]))


class Guard:
    """Sees a loss that is not a number, or that grows far above where it was."""

    def __init__(self, settings: WatchRecipe, before: Iterable[StepRecord] = ()) -> None:
        """before: the steps of the same stage that were done before a resume."""
        self._factor, self._recent = settings.diverging, deque[float](maxlen=settings.window)
        self._lowest = math.inf
        for record in before:
            self._follow(record.loss)

    def problem(self, record: StepRecord, sample_ids: Sequence[str]) -> str | None:
        """Why the run must stop, for a person; None while it may go on."""
        if not math.isfinite(record.loss):
            what = f"the loss is {record.loss}"
        elif record.grad_norm is not None and not math.isfinite(record.grad_norm):
            what = f"the loss is {record.loss:.4g}, but its gradient is {record.grad_norm}"
        else:
            self._follow(record.loss)
            mean = self._mean()
            if mean is None or mean <= self._factor * self._lowest:
                return None
            what = (
                f"the loss averages {mean:.3g} over {len(self._recent)} steps, more than "
                f"{self._factor:g} times its lowest level {self._lowest:.3g}"
            )
        return (
            f"step {record.step + 1:,}: {what}. Samples of this step: {', '.join(sample_ids)}. "
            f"What to try, in a new output: a lower optimizer.learning_rate (it was "
            f"{record.learning_rate:.3g}), a larger optimizer.warmup_ratio, a smaller "
            "optimizer.max_grad_norm; or look at these samples. To go on here from the last "
            "checkpoint: workers.precision float32, or a larger watch.diverging if the loss may "
            "rise like this"
        )

    def _follow(self, loss: float) -> None:
        self._recent.append(loss)
        if (mean := self._mean()) is not None:
            self._lowest = min(self._lowest, mean)

    def _mean(self) -> float | None:
        is_full = len(self._recent) == self._recent.maxlen
        return sum(self._recent) / len(self._recent) if is_full else None


def _line(record: StepRecord) -> str:
    return json.dumps(asdict(record)) + "\n"


def _curves(record: StepRecord) -> dict[str, float]:
    seconds = max(record.seconds, 1e-9)
    norm = {} if record.grad_norm is None else {"grad_norm": record.grad_norm}
    return norm | {
        "loss": record.loss,
        "learning_rate": record.learning_rate,
        "samples_per_second": record.num_samples / seconds,
        "tokens_per_second": record.num_tokens / seconds,
    }
