"""What workers of one machine do one after the other."""

import threading
import time

import pytest
import torch
from training_room import small_recipe

from georay.training import stages
from georay.training.agreement import one_at_a_time
from georay.training.stages import StageJob, load_in_turn


class Counter:
    """How many are inside at once."""

    def __init__(self) -> None:
        self._lock, self._inside, self.most = threading.Lock(), 0, 0

    def visit(self, *_: object) -> None:
        with self._lock:
            self._inside += 1
            self.most = max(self.most, self._inside)
        time.sleep(0.05)
        with self._lock:
            self._inside -= 1


def at_once(number, visit):
    threads = [threading.Thread(target=visit) for _ in range(number)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def test_workers_of_a_machine_load_the_base_one_after_the_other(tmp_path, monkeypatch):
    """Eight whole models at once are more than the main memory of a machine with eight GPUs."""
    counter = Counter()
    monkeypatch.setattr(stages, "load_base", counter.visit)
    recipe = small_recipe(tmp_path / "samples", tmp_path / "base", tmp_path / "out")
    job = StageJob(recipe, 0, tmp_path / "out")
    at_once(5, lambda: load_in_turn(job, torch.device("cpu")))
    assert counter.most == 1


def test_other_runs_of_a_machine_are_not_waited_for():
    names, both = iter(("one", "another")), threading.Barrier(2, timeout=30)
    met = []

    def visit():
        with one_at_a_time(next(names)):
            met.append(both.wait())

    at_once(2, visit)
    assert len(met) == 2, "they were never inside together"


def test_a_turn_ends_when_what_is_done_in_it_fails():
    for _ in range(2):
        with pytest.raises(ValueError, match="no weights"), one_at_a_time("failing"):
            raise ValueError("no weights")
