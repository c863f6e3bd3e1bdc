"""Curation survives what kills it: the driver or a worker process dies, and no image is lost."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.dataset
import pytest
from PIL import Image
from processes import descendants, wait_until

from georay.core.images import content_id

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to find the workers")

RECIPE = """
inputs: [{photos}]
output: {out}
workers: {{num_actors: 1, batch_size: 4, rows_per_block: 4, cpus_per_actor: 0.25}}
cluster: {{num_cpus: 2}}
"""
PATIENCE_SECONDS = 240


class Curation:
    """A run of `georay curate` in processes of its own, that can be killed and started again."""

    def __init__(self, folder: Path, num_images: int) -> None:
        self.photos, self.out = folder / "photos", folder / "run"
        self._recipe = folder / "recipe.yaml"
        self._recipe.write_text(RECIPE.format(photos=self.photos, out=self.out))
        self.photos.mkdir()
        for seed in range(num_images):
            _drawn(self.photos / f"{seed:04}.jpg", seed)

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "georay", "curate", str(self._recipe)]
        log = self.out.with_name("log.txt").open("ab")
        return subprocess.Popen(command, stdout=log, stderr=log)

    def finish(self) -> None:
        assert self.start().wait(PATIENCE_SECONDS) == 0, self.out.with_name("log.txt").read_text()

    def num_written(self) -> int:
        return len(list((self.out / "parts").glob("*.parquet")))

    def wait_for_blocks(self, number: int, driver: subprocess.Popen[bytes]) -> None:
        """Until so many blocks are written, or the driver ended."""
        assert wait_until(lambda: self.num_written() >= number or driver.poll() is not None)

    def check_each_image_once(self) -> None:
        expected = sorted(content_id(path.read_bytes()) for path in self.photos.iterdir())
        scores = pyarrow.dataset.dataset(self.out / "scores", format="parquet").to_table()
        assert sorted(scores.column("image_id").to_pylist()) == expected
        assert scores.column("locatability").null_count == 0
        assert set(scores.column("copies").to_pylist()) == {1}
        counts = json.loads((self.out / "manifest.json").read_text())["counts"]
        assert (counts["scored"], counts["lost"]) == (len(expected), 0)
        assert not list(self.out.glob(".scores.*"))
        assert not (self.out / "parts").exists()


def _drawn(path: Path, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((480, 360)).save(path)


def kill_driver(run: Curation, after_parts: int, moment: float) -> float:
    """Kills it `moment` seconds after so many more blocks; seconds until its workers ended."""
    target = run.num_written() + after_parts
    driver = run.start()
    run.wait_for_blocks(target, driver)
    time.sleep(moment)
    assert driver.poll() is None, "the run ended before it was killed"
    # Ray's own agents, which do no work and hold no file, take up to a minute to notice.
    below = [pid for pid, name in descendants(driver.pid).items() if "Agent" not in name]
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    start = time.monotonic()
    assert wait_until(lambda: not any(map(_is_alive, below)), 60), "workers outlive their driver"
    return time.monotonic() - start


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
def test_a_driver_killed_in_mid_run_costs_nothing_that_was_written(tmp_path):
    run = Curation(tmp_path, 24)
    kill_driver(run, after_parts=2, moment=0)
    written = {path: path.stat().st_mtime_ns for path in (run.out / "parts").glob("*.parquet")}
    assert 2 <= len(written) < 6
    run.finish()
    run.check_each_image_once()


@pytest.mark.slow
def test_a_driver_killed_ten_times_at_random_moments(tmp_path):
    run = Curation(tmp_path, 600)
    rng = random.Random(int(os.environ.get("GEORAY_FAULT_SEED", "5")))
    for _ in range(10):
        gone = kill_driver(run, rng.choice([0, 0, 1, 2, 4, 8]), rng.uniform(0, 3))
        print(
            f"{run.num_written()} blocks written; the killed driver's workers ended in {gone:.1f} s"
        )
    run.finish()
    run.check_each_image_once()


@pytest.mark.slow
def test_a_worker_process_killed_five_times(tmp_path):
    run = Curation(tmp_path, 400)
    driver = run.start()
    killed = 0
    while killed < 5:
        run.wait_for_blocks(run.num_written() + 5, driver)
        assert driver.poll() is None, "the run ended before five workers were killed"
        actors = [pid for pid, name in descendants(driver.pid).items() if "SegmentImages" in name]
        for pid in actors[:1]:
            os.kill(pid, signal.SIGKILL)
            killed += 1
    assert driver.wait(PATIENCE_SECONDS) == 0, run.out.with_name("log.txt").read_text()
    run.check_each_image_once()
