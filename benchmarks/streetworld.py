"""How fast StreetWorld draws, and in how much memory: one core, then through Ray Data.

    python -m benchmarks.streetworld --images 1000 --repeats 3
    python -m benchmarks.streetworld --images 100000 --ray --workers 2    # 30 minutes, two cores

Each run checks that every scene came out once before it reports a speed. Records go to
benchmarks/records/streetworld_IMAGES.json, with --ray streetworld_IMAGES_ray.json.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pyarrow.parquet as pq

from benchmarks.record import computing_commit, spread, write_record

MIB = 2**20
MOMENTS = (0.1, 0.3, 0.5, 0.7, 0.9)


class MemoryWatch:
    """Samples the memory of this process and its children while it runs, in MiB.

    Private memory is what grows when something leaks. Shared memory is mostly Ray's object
    store, a pool of fixed size whose pages are touched one after the other.
    """

    def __init__(self) -> None:
        self.samples: list[tuple[float, float]] = []
        self._done = threading.Event()

    @contextmanager
    def watching(self, every_s: float = 2.0) -> Iterator[None]:
        thread = threading.Thread(target=self._sample, args=(every_s,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join()

    def _sample(self, every_s: float) -> None:
        me = psutil.Process()
        finished = False
        while not finished:
            parts = [_private_and_shared(p) for p in (me, *me.children(recursive=True))]
            self.samples.append((sum(p for p, _ in parts), sum(s for _, s in parts)))
            finished = self._done.wait(every_s)

    def around(self, share: float) -> dict[str, int]:
        """Mean in the tenth of the run around this share of it."""
        middle, reach = int(share * len(self.samples)), max(1, len(self.samples) // 20)
        near = self.samples[max(0, middle - reach) : middle + reach]
        private, shared = (round(sum(column) / len(near)) for column in zip(*near, strict=True))
        return {"private": private, "shared": shared}


def _private_and_shared(process: psutil.Process) -> tuple[float, float]:
    try:
        info = process.memory_full_info()
    except psutil.Error:
        return 0.0, 0.0
    return info.uss / MIB, (info.pss - info.uss) / MIB  # of shared pages, its own share


def draw_alone(num_images: int, seed: int) -> int:
    """Draws and encodes scenes one after the other in this process; returns how many."""
    from georay.streetworld.export.records import scene_row
    from georay.streetworld.world import StreetWorld

    world = StreetWorld(seed)
    names = {scene_row(world.scene(index))["image_id"] for index in range(num_images)}
    return len(names)


def draw_with_ray(num_images: int, seed: int, workers: int) -> int:
    """Streams scenes to Parquet through Ray Data; returns how many different ones were written."""
    from georay.config.cluster import ClusterRecipe
    from georay.runtime.connect import connect
    from georay.streetworld.export.dataset import SceneRange, write_scenes

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "scenes"
        with connect(ClusterRecipe()):
            write_scenes(SceneRange(seed, num_images), folder, workers)
        return len(set(pq.read_table(folder, columns=["image_id"])["image_id"].to_pylist()))


def measure(choice: argparse.Namespace) -> dict[str, object]:
    """Speed of each repeat, and memory over the last one."""
    per_second, per_cpu_second = [], []
    for _ in range(choice.repeats):
        watch = MemoryWatch()
        wall, cpu = time.perf_counter(), time.process_time()
        with watch.watching():
            if choice.ray:
                drawn = draw_with_ray(choice.images, choice.seed, choice.workers)
            else:
                drawn = draw_alone(choice.images, choice.seed)
        assert drawn == choice.images, f"{drawn:,} of {choice.images:,} scenes came out"
        per_second.append(round(drawn / (time.perf_counter() - wall), 1))
        per_cpu_second.append(round(drawn / (time.process_time() - cpu), 1))
    results: dict[str, object] = {
        "scenes_per_s": spread(per_second),
        "memory_mib_at_share_of_run": {str(share): watch.around(share) for share in MOMENTS},
    }
    if not choice.ray:
        results["scenes_per_cpu_s"] = spread(per_cpu_second)
    return results


def main() -> None:
    """Measures once as asked and writes a record."""
    computing_commit()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ray", action="store_true", help="through Ray Data, written to Parquet")
    parser.add_argument("--workers", type=int, default=1, help="drawing processes, with --ray")
    parser.add_argument("--repeats", type=int, default=1)
    choice = parser.parse_args()
    results = measure(choice)
    name = f"streetworld_{choice.images}{'_ray' if choice.ray else ''}"
    path = write_record(name, vars(choice), results)
    print(name, *(f"\n  {key}: {value}" for key, value in results.items()), f"\n  → {path}")


if __name__ == "__main__":
    main()
