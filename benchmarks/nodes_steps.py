"""The accelerator's step, watched: which node did how many rows, and, emulated, how long it took.

The pipelines around it are georay's own. Emulated, a step sleeps for a stated time a row in the
place of a network; the rows are read, decoded, moved, counted and written all the same.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from georay.locatability.labels import NUM_LABELS
from georay.models.segmenters.base import ClassMap, Segmenter

if TYPE_CHECKING:
    from georay.curation.operators import SegmentImages
    from georay.serving.replica.model_replica import ModelReplica
    from georay.training.stages import StageJob


@dataclass(frozen=True)
class Step:
    """Where steps are noted, in a folder that every node sees; seconds_per_row: None runs the real
    one."""

    notes: Path
    seconds_per_row: float | None

    def note(self, num_rows: int) -> None:
        """Writes what this process begins, as a line of a file of its own."""
        import ray

        context = ray.get_runtime_context()
        line = {"node": context.get_node_id(), "rows": num_rows, "at": time.time()}
        with (self.notes / f"{context.get_worker_id()}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def sleep(self, num_rows: int) -> None:
        if self.seconds_per_row:
            time.sleep(self.seconds_per_row * num_rows)

    def read(self) -> list[dict[str, Any]]:
        """All notes so far, in no order."""
        return [
            json.loads(line)
            for file in sorted(self.notes.glob("*.jsonl"))
            for line in file.read_text(encoding="utf-8").splitlines()
        ]

    def rows_of_node(self, start: float, end: float) -> dict[str, int]:
        """How many rows each node did within a span of `time.time()`."""
        rows: Counter[str] = Counter()
        for one in self.read():
            if start <= one["at"] <= end:
                rows[one["node"]] += one["rows"]
        return dict(rows)


class _Watched(Segmenter):
    """A segmenter whose steps are noted; emulated, it says that all classes are equally large."""

    def __init__(self, step: Step, inner: Any) -> None:
        self.id = "emulated" if inner is None else inner.id
        self._step, self._inner = step, inner

    def class_maps(self, images: Sequence[Image.Image]) -> list[ClassMap]:
        assert self._inner is not None, "emulated, it has areas and no maps"
        maps: list[ClassMap] = self._inner.class_maps(images)
        return maps

    def area_ratios(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        self._step.note(len(images))
        self._step.sleep(len(images))
        if self._inner is not None:
            return np.asarray(self._inner.area_ratios(images))
        return np.full((len(images), NUM_LABELS), 1 / NUM_LABELS, np.float32)


def watched_segmenting(step: Step) -> type["SegmentImages"]:
    """Curation's stage, with its segmenter watched."""
    from georay.curation.operators import SegmentImages

    class WatchedSegmentImages(SegmentImages):
        def _loaded(self, choice: Any) -> Segmenter:
            is_real = step.seconds_per_row is None
            return _Watched(step, super()._loaded(choice) if is_real else None)

    return WatchedSegmentImages


def watched_training(step: Step) -> Callable[["StageJob"], Any]:
    """What a training worker does, with each pass through the network watched.

    Emulated, the pass takes the stated time on top of what the small network takes.
    """

    def work(job: "StageJob") -> Any:
        from georay.training.learner import Learner, SlotBatch
        from georay.training.loop import train_stage

        class WatchedLearner(Learner):
            def _loss(self, slot: SlotBatch, num_learnt: int) -> Any:
                num_rows = 0 if slot.is_filler else len(slot.batch["labels"])
                step.note(num_rows)
                step.sleep(num_rows)
                return super()._loss(slot, num_learnt)

        return train_stage(job, WatchedLearner)

    return work


def watched_replica(step: Step) -> type["ModelReplica"]:
    """Serving's replica, with its engine watched."""
    from georay.config.serve import ServeRecipe
    from georay.serving.replica.engines.load import load_engine
    from georay.serving.replica.model_replica import ModelReplica

    class WatchedReplica(ModelReplica):
        def _load_engine(self, recipe: ServeRecipe) -> Any:
            inner = load_engine(recipe) if step.seconds_per_row is None else None
            return watched_engine(step, inner)

    return WatchedReplica


def watched_engine(step: Step, inner: Any) -> Any:
    """An engine whose steps are noted; emulated, it places every picture in Chile."""
    from georay.models.locations import Location
    from georay.serving.messages import LocateOptions, ModelCard
    from georay.serving.replica.engines.base import LocateReply

    class WatchedEngine:
        card = ModelCard("emulated", None, (), "none") if inner is None else inner.card
        max_batches = 1 if inner is None else inner.max_batches

        def refusal_of(self, width: int, height: int) -> str | None:
            return None if inner is None else inner.refusal_of(width, height)

        def locate(
            self, pictures: Sequence[Image.Image], options: LocateOptions
        ) -> list[LocateReply]:
            step.note(len(pictures))
            step.sleep(len(pictures))
            if inner is not None:
                return list(inner.locate(pictures, options))
            found = Location("answered", country="CL", country_name="Chile", city="Santiago")
            return [LocateReply(found, 0) for _ in pictures]

        def check(self) -> None:
            """A step that sleeps is always well."""

    return WatchedEngine()
