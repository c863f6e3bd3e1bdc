"""How fast StreetWorld draws, and in how much memory: one core, then through Ray Data.

    python -m benchmarks.streetworld --images 1000
    python -m benchmarks.streetworld --images 100000 --ray

Each run checks that every scene came out once before it reports a speed, and appends one line to
benchmarks/records/streetworld.jsonl.
"""

import argparse
import json
import os
import platform
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pyarrow.parquet as pq

RECORDS = Path(__file__).parent / "records" / "streetworld.jsonl"


class MemoryWatch:
    """Samples the resident memory of this process and its children while it runs."""

    def __init__(self) -> None:
        self.samples: list[float] = []
        self._done = threading.Event()

    @contextmanager
    def watching(self, every_s: float = 1.0) -> Iterator[None]:
        thread = threading.Thread(target=self._sample, args=(every_s,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join()

    def _sample(self, every_s: float) -> None:
        me = psutil.Process()
        while not self._done.wait(every_s):
            self.samples.append(sum(_resident(p) for p in (me, *me.children(recursive=True))))

    def around(self, share: float) -> float:
        """Mean MiB in the tenth of the run around this share of it."""
        middle, reach = int(share * len(self.samples)), max(1, len(self.samples) // 20)
        near = self.samples[max(0, middle - reach) : middle + reach] or self.samples[-1:]
        return round(sum(near) / len(near) / 2**20) if near else 0


def _resident(process: psutil.Process) -> float:
    try:
        info = process.memory_full_info()
        return float(info.pss)  # shared pages counted once
    except psutil.Error:
        return 0.0


def draw_alone(num_images: int, seed: int) -> int:
    """Draws and encodes scenes one after the other in this process; returns how many."""
    from georay.streetworld.records import scene_row
    from georay.streetworld.world import StreetWorld

    world = StreetWorld(seed)
    names = {scene_row(world.scene(index))["image_id"] for index in range(num_images)}
    return len(names)


def draw_with_ray(num_images: int, seed: int, workers: int) -> int:
    """Streams scenes to Parquet through Ray Data; returns how many different ones were written."""
    from georay.config.cluster import ClusterRecipe
    from georay.runtime.connect import connect
    from georay.streetworld.dataset import SceneRange, write_scenes

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "scenes"
        with connect(ClusterRecipe()):
            write_scenes(SceneRange(seed, num_images), folder, workers)
        return len(set(pq.read_table(folder, columns=["image_id"])["image_id"].to_pylist()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ray", action="store_true", help="through Ray Data, written to Parquet")
    parser.add_argument("--workers", type=int, default=1)
    choice = parser.parse_args()
    watch = MemoryWatch()
    wall, cpu = time.perf_counter(), time.process_time()
    with watch.watching():
        if choice.ray:
            drawn = draw_with_ray(choice.images, choice.seed, choice.workers)
        else:
            drawn = draw_alone(choice.images, choice.seed)
    assert drawn == choice.images, f"{drawn:,} of {choice.images:,} scenes came out"
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    record = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "images": drawn,
        "through": "ray data" if choice.ray else "one process",
        "workers": choice.workers,
        "scenes_per_s": round(drawn / wall, 1),
        "scenes_per_cpu_s": None if choice.ray else round(drawn / cpu, 1),
        "load_average": round(os.getloadavg()[0], 1),
        "memory_mib": {share: watch.around(float(share)) for share in ("0.1", "0.5", "0.9")},
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
    }
    RECORDS.parent.mkdir(parents=True, exist_ok=True)
    with RECORDS.open("a") as file:
        file.write(json.dumps(record) + "\n")
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
