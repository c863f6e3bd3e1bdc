"""Shows the progress of a training in other processes, as its first worker reports it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from georay.core.run_folder import read_facts
from georay.evaluation.baselines.job import BaselineJob
from georay.runtime.progress import Meter, progress

_LOOK_SECONDS = 1.0


@contextmanager
def watched(job: BaselineJob) -> Iterator[None]:
    """Shows pictures that were learnt, repetitions counted, and the loss, until the block ends."""
    learning = job.recipe.learning
    assert learning is not None, "what stays untrained is not watched"
    total, stop = len(job.pictures) * learning.num_epochs, threading.Event()
    with progress(f"learning ({job.recipe.system.name})", total, "pictures") as meter:
        watcher = threading.Thread(target=_follow, args=(job, meter, stop), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join()
            job.progress.unlink(missing_ok=True)


def _follow(job: BaselineJob, meter: Meter, stop: threading.Event) -> None:
    told = 0
    while not stop.wait(_LOOK_SECONDS):
        facts = read_facts(job.progress)
        if facts is not None and facts["num_pictures"] > told:
            meter.note(f"loss {facts['loss']:.4f}")
            meter.advance(facts["num_pictures"] - told)
            told = facts["num_pictures"]
