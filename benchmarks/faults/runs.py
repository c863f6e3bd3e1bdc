"""A run on a cluster: its driver in a process of its own, which can be killed and started again."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import psutil
import yaml

from benchmarks.faults.nodes import PATIENCE_S, Cluster, Node, wait_until
from benchmarks.faults.place import Place

_PROJECT = Path(__file__).parents[2]
_LAST_LINES = 12

Facts = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What a run came to. found: equal to that of a run without a fault; facts: worth a note."""

    found: object
    facts: Mapping[str, object]


@dataclass
class Run(ABC):
    """One run of a workload. seat: the node that its driver sits on, and that clients ask.

    worker: is in the command of every process that does the work. on_disk: which folder of its
    place it would miss most if there were no more room.
    """

    place: Place
    cluster: Cluster
    seat: Node
    base: Path

    name: ClassVar[str]
    verb: ClassVar[str]
    worker: ClassVar[str]
    on_disk: ClassVar[str] = "runs"

    @abstractmethod
    def prepare(self) -> None:
        """Writes the inputs below the root."""

    @abstractmethod
    def recipe(self) -> Facts:
        """What the driver is given, but for the cluster."""

    @abstractmethod
    def is_amid(self) -> bool:
        """Whether so much is done that a fault meets the run in mid-work."""

    @abstractmethod
    def outcome(self) -> Outcome:
        """What is there at the end. Raises AssertionError where something is lost or twice."""

    def start(self) -> None:
        """Prepares and starts; returns in mid-work, or raises AssertionError."""
        self.prepare()
        content = self.recipe() | {"cluster": {"address": self.cluster.address}}
        self._recipe.write_text(yaml.safe_dump(content))
        self.start_driver()
        assert wait_until(lambda: self.is_amid() or self.has_ended()), self._log_says("no work")
        assert not self.has_ended(), self._log_says("it ended before anything failed")

    def start_driver(self) -> None:
        command = [*self.seat.host.enter, sys.executable, "-m", "benchmarks.faults.driver"]
        command += [self.cluster.address, self.seat.host.address, self.verb, str(self._recipe)]
        with self._log.open("ab") as log:
            self._driver = psutil.Popen(
                command, cwd=_PROJECT, env=self.cluster.environment, stdout=log, stderr=log
            )

    def start_again(self) -> None:
        """What a person does when the driver has ended before its work was done."""
        self.start_driver()

    def kill_driver(self) -> None:
        self._driver.kill()
        self._driver.wait()

    def has_ended(self) -> bool:
        return self._driver.poll() is not None

    def finish(self) -> Outcome:
        """Waits for the end of the work."""
        assert wait_until(self.has_ended), self._log_says(f"not done after {PATIENCE_S:.0f} s")
        assert self._driver.poll() == 0, self._log_says("it failed")
        return self.outcome()

    def close(self) -> None:
        """Leaves no process behind."""
        if not self.has_ended():
            self.kill_driver()

    def nodes_at_work(self) -> list[Node]:
        """Those with a process that does the work; never the seat."""
        others = [one for one in self.cluster.workers if one is not self.seat]
        return [one for one in others if one.workers(self.worker)]

    @property
    def _recipe(self) -> Path:
        return self.place.folder / "recipe.yaml"

    @property
    def _log(self) -> Path:
        return self.place.folder / "driver.log"

    def _log_says(self, problem: str) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        return "\n".join([problem, *lines])
