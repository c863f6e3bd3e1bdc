"""What does a collection of drawn scenes take, killed twice, against a bare loop over the model?

    python -m benchmarks.locate               # 5,000 scenes on two workers
    python -m benchmarks.locate --images 200  # the same in small

Draws scenes, and runs `georay locate` on them on two workers. The run is killed when a third and
when two thirds are answered; at its end every picture must be there once. Its speed is that of its
last session from its first shard to its last, so without starting and loading; the bare loop's is
that of as many processes as there are workers, side by side, which call `Locator.locate` on decoded
files and do nothing else. Both answer with the same settings, once as `georay locate` does by
default and once without measuring locatability, which the bare loop does not do.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pyarrow.parquet as pq

from benchmarks.record import computing_commit, write_record
from georay.config.load import dump_recipe, laid_over
from georay.config.locate import LocateRecipe
from georay.streetworld.export.records import jpeg_bytes
from georay.streetworld.world import StreetWorld

NUM_IMAGES, SEED, NUM_WORKERS, SHARD = 5_000, 23, 2, 32
LOOPED = 100
"""Pictures that each process of the bare loop answers."""


@dataclass
class Session:
    """One start of the run. memory: of its driver in MiB, with the share that was answered then."""

    seconds: float = 0.0
    rows_before: int = 0
    rows_after: int = 0
    images_per_second: float | None = None
    memory: list[tuple[float, float]] = field(default_factory=list)


def draw(folder: Path, number: int) -> Path:
    """Scenes as JPEGs; drawn again only where absent."""
    folder.mkdir(parents=True, exist_ok=True)
    world = StreetWorld(SEED)
    for index in range(number):
        path = folder / f"{index:06}.jpg"
        if not path.exists():
            path.write_bytes(jpeg_bytes(world.scene(index).image))
    return folder


def recipe_of(photos: Path, output: Path, measured: bool) -> LocateRecipe:
    """Two workers with `tiny`, as `georay locate --out` asks it."""
    content = {
        "inputs": [str(photos)],
        "output": str(output),
        "shard_size": SHARD,
        "workers": {"num_workers": NUM_WORKERS, "cpus_per_worker": 0.5},
        "cluster": {"num_cpus": 2},
    }
    return laid_over(None, LocateRecipe, content | ({} if measured else {"locatability": None}))


def run_killed(recipe: LocateRecipe, folder: Path, number: int) -> list[Session]:
    """The sessions of a run that is killed at a third and at two thirds, and then ends."""
    file = folder / "recipe.yaml"
    file.write_text(dump_recipe(recipe))
    parts = Path(recipe.output) / "parts"
    targets = [number // 3, 2 * number // 3, None]
    return [_session(file, parts, target, number) for target in targets]


def _session(recipe: Path, parts: Path, until: int | None, number: int) -> Session:
    command = [sys.executable, "-m", "georay", "locate", str(recipe)]
    session, started = Session(rows_before=_num_rows(parts)), time.time()
    with subprocess.Popen(command, start_new_session=True) as running:
        driver, first, last = psutil.Process(running.pid), None, None
        done = session.rows_before
        while running.poll() is None:
            now = _num_rows(parts) or done
            if now > done:
                first, last, done = first or (time.time(), now), (time.time(), now), now
                session.memory.append((round(done / number, 3), _own_mib(driver)))
            if until is not None and done >= until:
                os.killpg(running.pid, signal.SIGKILL)
                break
            time.sleep(0.2)
    if until is None and running.returncode:
        raise SystemExit(f"the run failed with {running.returncode}")
    session.seconds, session.rows_after = round(time.time() - started, 1), done
    if first and last and last[0] > first[0]:
        session.images_per_second = round((last[1] - first[1]) / (last[0] - first[0]), 2)
    return session


def _num_rows(parts: Path) -> int:
    """Rows that are saved; files vanish while the run ends."""
    total = 0
    for part in parts.glob("part-*.parquet"):
        try:
            total += pq.read_metadata(part).num_rows
        except OSError:
            return 0
    return total


def _own_mib(driver: psutil.Process) -> float:
    try:
        memory = driver.memory_info()
    except psutil.Error:
        return 0.0
    return round((memory.rss - memory.shared) / 2**20, 1)


def bare_loop(photos: Sequence[Path]) -> float:
    """Images a second of processes side by side that only call the locator."""
    share = len(photos) // NUM_WORKERS
    commands = [
        [sys.executable, "-m", "benchmarks.locate", "--loop", *map(str, photos[start:][:share])]
        for start in range(0, share * NUM_WORKERS, share)
    ]
    running = [subprocess.Popen(one, stdout=subprocess.PIPE, text=True) for one in commands]
    rates = [float(one.communicate()[0].split()[-1]) for one in running]
    return round(sum(rates), 2)


def loop(photos: Sequence[str]) -> float:
    """Images a second of this process, from the first batch, with the model loaded."""
    from georay.models.locator import Locator

    how = LocateRecipe(inputs=("x",), output="x").answering
    locator = Locator.from_pretrained("tiny")
    locator.locate(photos[: how.batch_size], how.top_k)
    started = time.perf_counter()
    for start in range(0, len(photos), how.batch_size):
        locator.locate(photos[start : start + how.batch_size], how.top_k)
    return len(photos) / (time.perf_counter() - started)


def check(output: Path, photos: Sequence[Path]) -> dict[str, int]:
    """The counts of statuses; raises SystemExit unless every picture is there once."""
    table = pq.read_table(output / "locations.parquet", columns=["uri", "status"])
    uris = table.column("uri").to_pylist()
    if sorted(uris) != sorted(str(path) for path in photos):
        raise SystemExit(f"{len(set(uris)):,} of {len(photos):,} pictures, in {len(uris):,} rows")
    return {one["values"]: one["counts"] for one in table["status"].value_counts().to_pylist()}


def measure(folder: Path, number: int, repeats: int) -> dict[str, object]:
    photos = sorted(draw(folder / f"scenes-{number}", number).glob("*.jpg"))[:number]
    few = photos[: LOOPED * NUM_WORKERS]
    results: dict[str, object] = {}
    for name, measured in (("default", True), ("without locatability", False)):
        output = folder / f"run-{name.replace(' ', '-')}"
        recipe = recipe_of(photos[0].parent, output, measured)
        before = [bare_loop(few) for _ in range(repeats)]
        sessions = run_killed(recipe, folder, number)
        after = [bare_loop(few) for _ in range(repeats)]
        bare = statistics.median(before + after)
        speed = sessions[-1].images_per_second
        memory = [mib for session in sessions for _, mib in session.memory[-1:]]
        results[name] = {
            "statuses": check(output, photos),
            "sessions": [vars(one) | {"memory": one.memory[:: max(1, len(one.memory) // 20)]}
                         for one in sessions],
            "images_per_second": speed,
            "bare_loop": {"median": bare, "before": before, "after": after},
            "share_of_bare_loop": None if speed is None else round(speed / bare, 3),
            "driver_mib_at_each_end": memory,
        }  # fmt: skip
        print(name, results[name], flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=NUM_IMAGES)
    parser.add_argument("--repeats", type=int, default=2, help="of the bare loop, before and after")
    parser.add_argument("--folder", type=Path, help="keeps scenes and runs here")
    parser.add_argument("--no-record", action="store_true", help="print the figures only")
    parser.add_argument("--loop", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.loop:
        print(loop(options.loop))
        return
    if not options.no_record:
        computing_commit()
    with tempfile.TemporaryDirectory() as scratch:
        results = measure(options.folder or Path(scratch), options.images, options.repeats)
    if not options.no_record:
        config = {"images": options.images, "workers": NUM_WORKERS, "shard_size": SHARD}
        print(write_record("locate", config, results))


if __name__ == "__main__":
    main()
