"""Curation, training and serving on the nodes of a cluster, measured the same way.

Each is asked for sizes in rows and gives runs that did exactly so many: what lost a row, or left a
node idle, raises AssertionError and has no speed. A run's span is of the steady work: processes
that start are not part of it, and are told apart.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.curation import draw_pictures
from benchmarks.load import Load, statuses
from benchmarks.nodes_cluster import Cpu, CpuLog, Nodes
from benchmarks.nodes_steps import Step, watched_replica, watched_segmenting, watched_training
from benchmarks.served import free_port
from benchmarks.training import write_base, write_samples
from georay.config.curate import CurateRecipe
from georay.config.load import parse_recipe
from georay.config.serve import ServeRecipe
from georay.config.tiny import TinyModelRecipe, TinyVisionRecipe
from georay.config.train import TrainRecipe
from georay.core.tables import INPUTS, conform

NUM_PICTURES, SIDE = 64, 448
STEPS_A_RUN, WARM_STEPS = 2, 2
REPLICA_BATCH, CLIENTS_A_REPLICA = 8, 16
_START_S = 300
ASKED = {"top_k": "0", "constrained": "true", "locatability": "false"}
SMALLEST = TinyModelRecipe(
    hidden_size=128,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=128,
    visual=TinyVisionRecipe(width=48, layers=1, heads=2, mlp_ratio=1.0, n_queries=16),
)

Facts = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One repeat. start_up_s: from asking for it until its steady work began."""

    num_rows: int
    seconds: float
    start_up_s: float
    rows_of_node: Mapping[str, int]
    cpu: Cpu


class Workload(Protocol):
    """What is measured at every number of nodes."""

    name: str
    seconds_per_row: float

    def measure(self, nodes: Nodes, sizes: Sequence[int], repeats: int) -> dict[int, list[Run]]:
        """So many runs of each size after a warm-up, on all these nodes."""


@dataclass
class _Base:
    """folder: one that all nodes see. recipe: of the real workload; None emulates its step."""

    folder: Path
    seconds_per_row: float
    recipe: Facts | None = None

    def step(self, name: str) -> Step:
        notes = self.folder / "notes" / name
        notes.mkdir(parents=True, exist_ok=True)
        return Step(notes, self.seconds_per_row if self.recipe is None else None)


class Curation(_Base):
    """`score_images`: read, decode, segment on an actor a node, score, write."""

    name = "curation"

    def measure(self, nodes: Nodes, sizes: Sequence[int], repeats: int) -> dict[int, list[Run]]:
        found: dict[int, list[Run]] = {size: [] for size in sizes}
        with CpuLog(nodes) as cpu:
            self._run(nodes, min(sizes), cpu, "warm-up")
            for repeat in range(repeats):
                for size in sizes:
                    name = f"{nodes.number}-{size}-{repeat}"
                    found[size].append(self._run(nodes, size, cpu, name))
        return found

    def _run(self, nodes: Nodes, size: int, cpu: CpuLog, name: str) -> Run:
        from ray.data import DataContext

        from georay.curation.pipeline import score_images
        from georay.locatability.weights import published_weights

        step, inputs = self.step(f"curation-{nodes.number}-{name}"), self._inputs(size)
        parts = self.folder / "parts" / f"{nodes.number}-{name}"
        began = time.time()
        # All actors first: on this machine they start in turns, which no real nodes do.
        DataContext.get_current().wait_for_min_actors_s = _START_S
        recipe, segment = self._recipe(nodes), watched_segmenting(step)
        for _ in score_images(inputs, published_weights(), recipe, parts, segment):
            pass
        end = time.time()
        self._check(parts, inputs)
        start = min(one["at"] for one in step.read())
        rows = step.rows_of_node(began, end)
        assert sum(rows.values()) == size, f"{sum(rows.values())} rows segmented, not {size}"
        return Run(size, end - start, start - began, rows, cpu.between(start, end))

    def _check(self, parts: Path, inputs: pa.Table) -> None:
        written = pq.read_table(parts, columns=["uri", "error"])
        assert written["error"].null_count == written.num_rows, "a row has an error"
        assert sorted(written["uri"].to_pylist()) == sorted(inputs["uri"].to_pylist()), "lost rows"

    def _inputs(self, size: int) -> pa.Table:
        """Links under so many names to a few drawn pictures: each is read and decoded anew."""
        linked = self.folder / "linked"
        linked.mkdir(exist_ok=True)
        names = [linked / f"{number:07d}.jpg" for number in range(size)]
        for number, name in enumerate(names):
            if not name.exists():
                name.hardlink_to(self._pictures[number % NUM_PICTURES])
        return conform(pa.table({"uri": list(map(str, names))}), INPUTS, "inputs")

    @cached_property
    def _pictures(self) -> list[Path]:
        return sorted(draw_pictures(self.folder / "pictures", NUM_PICTURES, SIDE).iterdir())

    def _recipe(self, nodes: Nodes) -> CurateRecipe:
        content = self.recipe or {
            # Nothing below comes near a CPU slot: an accelerator a node is what work waits for.
            "workers": {"gpus_per_actor": 1, "cpus_per_actor": 0.25, "rows_per_block": 32}
        }
        workers: Facts = content.get("workers", {})
        per_node = workers.get("num_actors") or 1
        mine = {"workers": workers | {"num_actors": per_node * nodes.number}}
        given = {"inputs": [str(self.folder)], "output": str(self.folder / "run")}
        return parse_recipe(content | given | mine, CurateRecipe, "benchmark")


class Training(_Base):
    """`fit_stage` with a worker a node under ZeRO-2; a run is two optimizer steps of `size` / 2.

    All runs of a size are one training: that workers start is not measured.
    """

    name = "training"

    def measure(self, nodes: Nodes, sizes: Sequence[int], repeats: int) -> dict[int, list[Run]]:
        return {size: self._runs(nodes, size, repeats) for size in sizes}

    def _runs(self, nodes: Nodes, size: int, repeats: int) -> list[Run]:
        from georay.training.stages import StageJob
        from georay.training.trainer import fit_stage
        from georay.training.watch import read_steps

        name = f"{nodes.number}-{size}"
        step, run = self.step(f"training-{name}"), self.folder / "training" / name
        job = StageJob(self._recipe(nodes, size, repeats, run), 0, run)
        job.folder.mkdir(parents=True)
        began = time.time()
        with CpuLog(nodes) as cpu:
            fit_stage(job, watched_training(step))
        steps = read_steps(job.steps)
        global_batch = job.recipe.batches.global_batch
        assert len(steps) == WARM_STEPS + repeats * STEPS_A_RUN, "steps are lost"
        assert all(one.num_samples == global_batch for one in steps), "samples are lost"
        rows = step.rows_of_node(began, time.time())
        assert sum(rows.values()) == len(steps) * global_batch, rows
        end = max(one["at"] for one in step.read())  # when the last pass began
        start = end - sum(one.seconds for one in steps[WARM_STEPS:])
        taken = cpu.between(start, end)
        starts = range(WARM_STEPS, len(steps), STEPS_A_RUN)
        groups = [steps[first : first + STEPS_A_RUN] for first in starts]
        return [
            Run(size, sum(one.seconds for one in group), start - began, rows, taken)
            for group in groups
        ]

    def _recipe(self, nodes: Nodes, size: int, repeats: int, run: Path) -> TrainRecipe:
        assert size % STEPS_A_RUN == 0, "a run has two steps of equal size"
        content = self.recipe or {
            "samples": [str(self._samples)],
            "base": {"model": str(self._base)},
            "batches": {"micro_batch": 4},
            "gradient_checkpointing": False,
            "zero": {"stage": 2},
            # More than half of a node's one slot, so that no node takes two.
            "workers": {"cpus_per_worker": 0.75, "reads_per_worker": 1},
        }
        per_node = content["workers"].get("num_workers", 1)
        stage = {"adapter": "location", "num_epochs": 10_000}
        mine = {
            "output": str(run),
            "stages": [stage | {"max_steps": WARM_STEPS + repeats * STEPS_A_RUN}],
            "batches": content.get("batches", {}) | {"global_batch": size // STEPS_A_RUN},
            "checkpoints": {"every": 1_000_000},
            "watch": {"trackers": [], "max_validation": 0},
            "workers": content["workers"] | {"num_workers": per_node * nodes.number},
            "cluster": {"address": nodes.address},
        }
        return parse_recipe(content | mine, TrainRecipe, "benchmark")

    @cached_property
    def _samples(self) -> Path:
        return write_samples(self.folder / "data")

    @cached_property
    def _base(self) -> Path:
        return write_base(self.folder / "base", SMALLEST)


class Serving(_Base):
    """The Serve application with a replica a node, asked by clients that wait for their answers."""

    name = "serving"

    def measure(self, nodes: Nodes, sizes: Sequence[int], repeats: int) -> dict[int, list[Run]]:
        step = self.step(f"serving-{nodes.number}")
        found: dict[int, list[Run]] = {size: [] for size in sizes}
        began = time.time()
        with self._served(step, nodes) as address, CpuLog(nodes) as cpu:
            start_up_s = time.time() - began
            self._run(address, step, nodes, min(sizes))
            for _ in range(repeats):
                for size in sizes:
                    start, end, rows = self._run(address, step, nodes, size)
                    taken = cpu.between(start, end)
                    found[size].append(Run(size, end - start, start_up_s, rows, taken))
        return found

    def _run(
        self, address: str, step: Step, nodes: Nodes, size: int
    ) -> tuple[float, float, dict[str, int]]:
        start = time.time()
        asked = asyncio.run(self._ask(address, size, nodes.number * CLIENTS_A_REPLICA))
        end = time.time()
        rows = step.rows_of_node(start, end)
        assert asked == {"200": size}, asked
        assert sum(rows.values()) == size, rows
        return start, end, rows

    async def _ask(self, address: str, size: int, num_clients: int) -> dict[str, int]:
        left = iter(range(size))
        async with Load(address, self._pictures, ASKED) as load:
            goes_on: Callable[[], bool] = lambda: next(left, None) is not None  # noqa: E731
            await asyncio.gather(*(load.client(goes_on) for _ in range(num_clients)))
        return statuses(load.asked)

    @contextmanager
    def _served(self, step: Step, nodes: Nodes) -> Iterator[str]:
        from ray import serve

        from georay.serving.app import NAME, build_with

        port = free_port()
        serve.start(proxy_location="HeadOnly", http_options={"host": "127.0.0.1", "port": port})
        try:
            serve.run(build_with(watched_replica(step), self._recipe(nodes)), name=NAME)
            yield f"http://127.0.0.1:{port}"
        finally:
            serve.shutdown()

    def _recipe(self, nodes: Nodes) -> ServeRecipe:
        content = self.recipe or {
            "batching": {"max_batch_size": REPLICA_BATCH},
            "replicas": {"num_cpus": 1},  # all that a node has
        }
        replicas: Facts = content.get("replicas", {})
        number = (replicas.get("max") or 1) * nodes.number
        queued = 2 * number * CLIENTS_A_REPLICA
        mine = {
            "replicas": replicas | {"min": number, "max": number},
            "limits": content.get("limits", {}) | {"max_queued": queued},
            "cluster": {"address": nodes.address},
        }
        return parse_recipe(content | mine, ServeRecipe, "benchmark")

    @cached_property
    def _pictures(self) -> list[bytes]:
        drawn = draw_pictures(self.folder / "asked", NUM_PICTURES, SIDE)
        return [file.read_bytes() for file in sorted(drawn.iterdir())]


WORKLOADS: Mapping[str, type[Curation] | type[Training] | type[Serving]] = {
    one.name: one for one in (Curation, Training, Serving)
}
