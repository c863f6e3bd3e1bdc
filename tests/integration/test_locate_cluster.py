"""A collection located by workers of a real Ray cluster of this machine."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from predicting_room import write_model

from georay.config.load import dump_recipe, laid_over
from georay.config.locate import LocateRecipe
from georay.flow.collection import locate_collection
from georay.streetworld.export.records import jpeg_bytes
from georay.streetworld.world import StreetWorld

SCENES, FEW = 12, 4
PATIENCE_SECONDS = 240


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    root = tmp_path_factory.mktemp("room")
    write_model(root / "small")
    (root / "photos").mkdir()
    world = StreetWorld(seed=11, size=224)
    for number in range(SCENES):
        (root / "photos" / f"{number:02}.jpg").write_bytes(jpeg_bytes(world.scene(number).image))
    (root / "photos" / "broken.jpg").write_bytes(b"no picture")
    (root / "few").mkdir()
    for photo in [*sorted((root / "photos").iterdir())[:FEW], root / "photos" / "broken.jpg"]:
        (root / "few" / photo.name).write_bytes(photo.read_bytes())
    return root


def recipe(room, output, **changes):
    content = {
        "inputs": ["photos"],
        "output": output,
        "model": "small",
        "device": "cpu",
        "workers": {"num_workers": 2, "cpus_per_worker": 0.5},
        "locatability": {"workers": {"cpus_per_worker": 0.25}},
        "cluster": {"num_cpus": 2},
        "answering": {"max_new_tokens": 128, "batch_size": 2, "top_k": 2, "prompt": "location"},
        "shard_size": 2,
    }
    return laid_over(None, LocateRecipe, content | changes)


def rows(folder):
    found = pq.read_table(Path(folder) / "locations.parquet").to_pylist()
    return [row | {"latency_ms": None} for row in found]


def test_workers_give_the_rows_that_one_process_gives(cluster, room, monkeypatch):
    monkeypatch.chdir(room)  # so that paths are relative, as in a recipe
    locate_collection(recipe(room, "here", inputs=["few"], workers=None))
    summary = locate_collection(recipe(room, "there", inputs=["few"]))
    assert summary.statuses == {"answered": FEW, "failed": 1}
    assert rows("there") == rows("here")


@pytest.mark.slow
def test_killed_twice_every_picture_is_there_once(room, tmp_path):
    asked = recipe(
        room,
        tmp_path / "run",
        inputs=[str(room / "photos")],
        model=str(room / "small"),
        shard_size=1,
    )
    (tmp_path / "recipe.yaml").write_text(dump_recipe(asked))
    command = [sys.executable, "-m", "georay", "locate", str(tmp_path / "recipe.yaml")]
    parts = tmp_path / "run" / "parts"
    saved: dict[Path, int] = {}
    for target in (2, 6):
        with subprocess.Popen(
            command, stderr=subprocess.DEVNULL, start_new_session=True
        ) as running:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while len(list(parts.glob("part-*.parquet"))) < target:
                assert running.poll() is None and time.monotonic() < deadline
                time.sleep(0.01)
            os.killpg(running.pid, signal.SIGKILL)
        now = {part: part.stat().st_mtime_ns for part in parts.glob("part-*.parquet")}
        assert len(now) < SCENES + 1, "too late: the run was whole already"
        assert saved.items() <= now.items(), "what was saved was asked again"
        saved = now
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    uris = [row["uri"] for row in rows(tmp_path / "run")]
    assert len(set(uris)) == len(uris) == SCENES + 1
    assert f"{SCENES + 1} pictures: {SCENES} answered, 1 failed" in done.stdout
