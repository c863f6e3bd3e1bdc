"""What the driver takes for the tables of a run: time and memory of each step, by number of rows.

    python -m benchmarks.metadata --rows 100000 1000000 10000000

A list of so many pictures in a storage that nobody asks, every one with a place; scores that no
segmenter made; then listing, finding what is left to do, collapsing copies, selecting, counting and
making samples, each in a process of its own, whose largest memory is reported: all of it, and what
of it is no file's, which the system cannot take back. Flat memory and seconds that grow as the rows
do are what a run of any size needs.
"""

import argparse
import json
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import numpy as np
import pyarrow as pa

from benchmarks.record import computing_commit, write_record
from georay.config.load import parse_recipe
from georay.config.samples import SamplesRecipe
from georay.core.manifest import write_json, write_table
from georay.core.paths import files_in, parquet_writer
from georay.core.tables import INPUTS, SCORES, conform
from georay.curation.collapse import collapse, remaining
from georay.curation.inputs import list_inputs
from georay.curation.inputs.mentions import on_disk
from georay.curation.run_folder import RunFolder
from georay.curation.samples.make_samples import make_samples
from georay.curation.select import select
from georay.curation.summary import summarize
from georay.locatability.labels import NUM_LABELS

ROWS_OF_A_FILE = 32_768
TOWNS = (
    ("FR", "Paris", 48.85, 2.35),
    ("JP", "Kyoto", 35.01, 135.77),
    ("KE", "Nairobi", -1.3, 36.8),
)
THRESHOLD = 0.4


def main() -> None:
    """Measures every step at every size, or does one step and says what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, nargs="+", required=True)
    parser.add_argument("--step", choices=STEPS, help="this one alone, in --folder")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.step:
        print(json.dumps(_measured(STEPS[options.step], options.folder, options.rows[0])))
        return
    computing_commit()
    results = {f"{rows:,}": measure(rows) for rows in options.rows}
    path = write_record("metadata", {"rows_of_a_score_file": ROWS_OF_A_FILE}, results)
    print(json.dumps(results, indent=1), f"→ {path}", sep="\n")


def measure(rows: int) -> dict[str, object]:
    """Seconds and peak memory of each step."""
    found: dict[str, object] = {}
    with TemporaryDirectory() as folder:
        for step in STEPS:
            command = [sys.executable, "-m", "benchmarks.metadata", "--rows", str(rows)]
            command += ["--step", step, "--folder", folder]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            found[step] = json.loads(done.stdout)
            print(f"{rows:,} {step}: {found[step]}", flush=True)
    return found


def _measured(step: Callable[[Path, int], None], folder: Path, rows: int) -> dict[str, float]:
    before, started = _peak_gib(), time.perf_counter()
    with _AnonymousMemory() as memory:
        step(folder, rows)
    seconds = round(time.perf_counter() - started, 2)
    own = round(memory.peak_kib / 2**20, 3)
    peaks = {"peak_gib": _peak_gib(), "peak_own_gib": own, "peak_gib_before": before}
    return {"seconds": seconds, **peaks}


class _AnonymousMemory:
    """The most memory of this process that is no file's, looked at ten times a second."""

    def __enter__(self) -> Self:
        self.peak_kib = 0
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watch.join()

    def _look(self) -> None:
        while not self._ended.wait(0.1):
            lines = Path("/proc/self/status").read_text().splitlines()
            now = next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
            self.peak_kib = max(self.peak_kib, now)


def _peak_gib() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 3)


def write_inputs(folder: Path, rows: int) -> None:
    """The list of pictures, and scores of all of them as workers leave them."""
    (folder / "run" / "parts").mkdir(parents=True)
    schema = pa.schema([INPUTS.field(name) for name in _LISTED])
    with parquet_writer(folder / "list.parquet", schema) as writer:
        for number, table in enumerate(_tables(rows)):
            writer.write_table(table.select(_LISTED).cast(schema))
            write_table(folder / "run" / "parts" / f"{number:05}.parquet", table)


_LISTED = ("uri", "country", "city", "latitude", "longitude")


def _tables(rows: int) -> Iterator[pa.Table]:
    for start in range(0, rows, ROWS_OF_A_FILE):
        numbers = np.arange(start, min(rows, start + ROWS_OF_A_FILE))
        towns = [TOWNS[number % len(TOWNS)] for number in numbers]
        areas = np.full((len(numbers), NUM_LABELS), 1 / NUM_LABELS, np.float32)
        columns = {
            "image_id": [f"{number:016x}" for number in numbers],
            "uri": [f"s3://nobody/{number // 1000:06}/{number:010}.jpg" for number in numbers],
            "copies": np.ones(len(numbers), np.int64),
            "locatability": (numbers % 1000) / 1000,
            "area_ratio": list(areas),
        }
        columns |= dict(zip(_LISTED[1:], zip(*towns, strict=True), strict=True))
        yield conform(pa.table(columns), SCORES, "scores")


def list_them(folder: Path, _: int) -> None:
    """Every input once, with its label."""
    table = list_inputs([str(folder / "list.parquet")]).table
    on_disk((pa.Table.from_batches([one]) for one in table.to_batches()), folder / "inputs.arrow")


def find_what_is_left(folder: Path, rows: int) -> None:
    """Nothing: all of it was scored."""
    left = remaining(_inputs(folder), files_in(RunFolder(folder / "run").parts))
    assert (left.num_rows, rows > 0) == (0, True)


def collapse_copies(folder: Path, _: int) -> None:
    """The scores of a finished run."""
    run = RunFolder(folder / "run")
    (folder / "run" / "scores").mkdir()
    collapse(files_in(run.parts), run.scores, _inputs(folder))


def select_locatable(folder: Path, rows: int) -> None:
    """The curated table."""
    (folder / "run" / "curated").mkdir()
    run = RunFolder(folder / "run")
    assert select(run.scores, run.curated, THRESHOLD) <= rows


def count(folder: Path, rows: int) -> None:
    """What the run tells of itself."""
    run = RunFolder(folder / "run")
    summary = summarize(_inputs(folder), (), run.root, run.scores, THRESHOLD)
    assert (summary.num_scored, summary.num_lost) == (rows, 0)
    recipe = {"inputs": ["list"], "output": "run", "threshold": THRESHOLD}
    write_json(run.manifest, {"kind": "curation", "recipe": recipe})


def make_questions(folder: Path, _: int) -> None:
    """Samples of every picture that was kept."""
    content = {"output": str(folder / "samples"), "curation": str(folder / "run")}
    make_samples(parse_recipe(content, SamplesRecipe, "benchmark"))


def _inputs(folder: Path) -> pa.Table:
    """As a run has them: on disk."""
    return pa.ipc.open_file(pa.memory_map(str(folder / "inputs.arrow"))).read_all()


STEPS: dict[str, Callable[[Path, int], None]] = {
    "write": write_inputs,
    "list": list_them,
    "remaining": find_what_is_left,
    "collapse": collapse_copies,
    "select": select_locatable,
    "summarize": count,
    "samples": make_questions,
}


if __name__ == "__main__":
    main()
