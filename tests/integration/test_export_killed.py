"""An export that is killed leaves nothing that could be taken for one, and is done anew."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import webdataset
from PIL import Image

from georay.core.images import content_id
from georay.core.prompts import REASONING
from georay.core.tables import SAMPLES, rows_to_table
from georay.curation.exchange import export_samples

PROJECT = Path(__file__).parents[2]
NUM_SAMPLES = 20_000


@pytest.fixture
def samples(tmp_path):
    """So many samples that their export can be stopped in its midst."""
    picture = tmp_path / "a.jpg"
    Image.new("RGB", (64, 48)).save(picture)
    one = {
        "stage": "reasoning",
        "split": "train",
        "place": "p",
        "image_id": content_id(picture.read_bytes()),
        "uri": str(picture),
        "question": REASONING.question,
        "country": "FR",
    }
    rows = [one | {"sample_id": f"{n:016x}", "answer": f"Reason {n}"} for n in range(NUM_SAMPLES)]
    (tmp_path / "run" / "samples").mkdir(parents=True)
    (tmp_path / "run" / "samples.json").write_text("{}")
    pq.write_table(rows_to_table(rows, SAMPLES), tmp_path / "run" / "samples" / "part-0.parquet")
    return tmp_path / "run"


def test_a_killed_export_is_no_export_and_the_same_command_makes_it_whole(samples):
    command = [sys.executable, "-m", "georay", "samples", str(samples), "--export", "webdataset"]
    running = subprocess.Popen(command, cwd=PROJECT)
    try:
        deadline = time.monotonic() + 240
        while not list(samples.glob(".filling/webdataset/*.tar")):
            assert running.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        running.send_signal(signal.SIGSTOP)
        with pytest.raises(ValueError, match="another run is writing to"):
            export_samples(samples, "webdataset", samples, "packed")
    finally:
        running.kill()
        running.wait()
    assert not (samples / "webdataset").exists()
    export_samples(samples, "webdataset", samples, "packed")
    shards = sorted(map(str, (samples / "webdataset").glob("*.tar")))
    keys = [entry["__key__"] for entry in webdataset.WebDataset(shards, shardshuffle=False)]
    assert keys == [f"{n:016x}" for n in range(NUM_SAMPLES)]
    assert not list(samples.glob(".filling"))
