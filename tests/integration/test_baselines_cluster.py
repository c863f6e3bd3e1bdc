"""Baselines trained on Ray Train and asked on Ray Data, on a real cluster of this machine."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from baseline_room import SCENES, asked_of, recipe_of, write_samples

from georay.config.load import dump_recipe
from georay.core.tables import SAMPLES, rows_to_table
from georay.errors import ModelUnavailable, TrainingStopped
from georay.evaluation.baselines.loop import CLOCKS
from georay.evaluation.baselines.make_baseline import make_baseline
from georay.evaluation.metrics import evaluate_file
from georay.evaluation.predict import predict
from georay.runtime.checkpoint_list import SNAPSHOT, listed_checkpoints

LEARNING = {"num_epochs": 10, "batch_size": 10, "learning_rate": 2e-3, "min_scale": 0.8}
pytestmark = pytest.mark.usefixtures("cluster")


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return write_samples(tmp_path_factory.mktemp("drawn"))


@pytest.fixture(scope="module")
def planet(samples, tmp_path_factory):
    """PlaNet after a few steps."""
    folder = tmp_path_factory.mktemp("planet")
    recipe = recipe_of(samples, folder / "model", "planet", learning=LEARNING)
    return make_baseline(recipe), recipe


def rows(path):
    return [row | {"latency_ms": None} for row in pq.read_table(path).to_pylist()]


def test_a_recipe_becomes_a_folder_that_predict_asks_and_evaluate_judges(planet, samples, tmp_path):
    summary, _ = planet
    assert (summary.outcome["num_pictures"], summary.outcome["num_steps"]) == (SCENES["train"], 20)
    folder = Path(summary.folder)
    assert sorted(one.name for one in folder.iterdir() if one.name[0] != ".") == [
        "README.md",
        "baseline.json",
        "model.safetensors",
        "settings.json",
    ]
    assert "20 pictures, 20 steps" in (folder / "README.md").read_text()
    told = predict(asked_of(samples, folder, tmp_path / "o.parquet"))
    assert told.statuses == {"answered": SCENES["test"]}
    found = evaluate_file(tmp_path / "o.parquet")
    assert found.num_images == found.num_located == SCENES["test"]
    first = rows(tmp_path / "o.parquet")[0]
    assert first["model"] == folder.name and first["candidates"] and first["city"]
    facts = json.loads((tmp_path / "o.json").read_text())
    assert "model.safetensors" in facts["settings"]["model"]["files"]


def test_workers_of_ray_data_give_the_answers_that_one_process_gives(planet, samples, tmp_path):
    summary, _ = planet
    predict(asked_of(samples, summary.folder, tmp_path / "here.parquet"))
    workers = {"num_workers": 2, "cpus_per_worker": 0.5}
    predict(asked_of(samples, summary.folder, tmp_path / "there.parquet", workers=workers))
    assert rows(tmp_path / "there.parquet") == rows(tmp_path / "here.parquet")


def test_a_picture_that_cannot_be_read_is_a_failed_row_and_changes_no_other(
    planet, samples, tmp_path
):
    summary, _ = planet
    predict(asked_of(samples, summary.folder, tmp_path / "whole.parquet"))
    whole = rows(tmp_path / "whole.parquet")
    broken = whole[1]["image_id"]
    (tmp_path / "broken.jpg").write_bytes(b"")
    changed = [
        row | ({"uri": str(tmp_path / "broken.jpg")} if row["image_id"] == broken else {})
        for row in pq.read_table(samples).to_pylist()
    ]
    pq.write_table(rows_to_table(changed, SAMPLES), tmp_path / "changed.parquet")
    told = predict(asked_of(tmp_path / "changed.parquet", summary.folder, tmp_path / "o.parquet"))
    assert told.statuses == {"answered": SCENES["test"] - 1, "failed": 1}
    found = rows(tmp_path / "o.parquet")
    assert found[1]["error"] == "the file has zero bytes" and found[1]["country"] is None
    assert [row["country"] for row in found[2:]] == [row["country"] for row in whole[2:]]


def test_weights_that_are_not_those_of_the_training_are_refused(planet, samples, tmp_path):
    summary, _ = planet
    copy = shutil.copytree(summary.folder, tmp_path / "copy")
    with (copy / "model.safetensors").open("ab") as file:
        file.write(b" ")
    with pytest.raises(ModelUnavailable, match="absent or damaged"):
        predict(asked_of(samples, copy, tmp_path / "o.parquet"))
    (copy / "baseline.json").write_text("{}")
    with pytest.raises(ValueError, match="holds no baseline"):
        predict(asked_of(samples, copy, tmp_path / "o.parquet"))
    with pytest.raises(ValueError, match="adapters are for chat models"):
        predict(asked_of(samples, summary.folder, tmp_path / "o.parquet", adapters="runs/a"))


def test_a_finished_baseline_is_not_trained_again_and_not_mixed_with_another(planet):
    summary, recipe = planet
    again = make_baseline(recipe)
    assert again.finished_before and again.outcome == summary.outcome
    with pytest.raises(ValueError, match="seed was 0, is 1"):
        make_baseline(recipe.model_copy(update={"seed": 1}))


def test_two_workers_learn_together_and_what_either_cannot_learn_is_left_out_by_name(
    samples, tmp_path
):
    known = pq.read_table(samples).to_pylist()
    broken, lost = [row for row in known if row["split"] == "train"][:2]
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    changes = {
        broken["image_id"]: {"uri": str(tmp_path / "broken.jpg")},
        lost["image_id"]: {"latitude": None, "longitude": None, "city": "Nowhere at all"},
    }
    changed = [row | changes.get(row["image_id"], {}) for row in known]
    pq.write_table(rows_to_table(changed, SAMPLES), tmp_path / "changed.parquet")
    recipe = recipe_of(
        tmp_path / "changed.parquet",
        tmp_path / "m",
        "planet",
        learning=LEARNING | {"num_epochs": 2},
        workers={"num_workers": 2, "cpus_per_worker": 0.5},
    )
    summary = make_baseline(recipe)
    assert (summary.outcome["num_pictures"], summary.outcome["num_steps"]) == (
        SCENES["train"] - 2,
        4,
    )
    assert set(summary.outcome["left_out"]) == set(changes)
    assert "neither its coordinates nor its town" in summary.outcome["left_out"][lost["image_id"]]
    assert "2 pictures left out" in summary.as_text()


@pytest.mark.parametrize("clock", [pytest.param("wall", marks=pytest.mark.slow), "processor"])
def test_minutes_end_training_by_either_clock(samples, tmp_path, clock):
    learning = LEARNING | {"num_epochs": 50_000, "max_minutes": 0.01, "clock": clock}
    told = make_baseline(recipe_of(samples, tmp_path / "m", "planet", learning=learning)).outcome
    assert told["minutes"] >= 0.01 and 1 <= told["num_steps"] < 100_000


def test_the_processors_clock_stands_still_while_a_worker_waits():
    before = {name: clock() for name, clock in CLOCKS.items()}
    time.sleep(0.3)
    passed = {name: clock() - before[name] for name, clock in CLOCKS.items()}
    assert passed["wall"] >= 0.29 > passed["processor"]


def test_a_loss_that_is_no_number_stops_the_run_with_a_sentence(samples, tmp_path):
    learning = LEARNING | {"learning_rate": 1e30, "warmup_ratio": 0.0}
    with pytest.raises(TrainingStopped, match="lower learning_rate"):
        make_baseline(recipe_of(samples, tmp_path / "m", "planet", learning=learning))


def steps_listed(folder):
    """Of the newest checkpoint that Ray Train goes on from; 0 where it lists none."""
    with suppress(OSError, ValueError):  # the list and what it names come and go
        kept = [
            json.loads((one / "progress.json").read_text())["num_steps"]
            for one in listed_checkpoints(folder / "checkpoints")
        ]
        return max(kept, default=0)
    return 0


@pytest.mark.slow
def test_a_killed_training_goes_on_from_its_checkpoint(samples, tmp_path):
    learning = LEARNING | {"num_epochs": 400}
    recipe = recipe_of(
        samples, tmp_path / "m", "planet", learning=learning, checkpoints={"every": 5}
    )
    (tmp_path / "recipe.yaml").write_text(dump_recipe(recipe))
    command = [sys.executable, "-m", "georay", "baseline", str(tmp_path / "recipe.yaml")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True) as running:
        while steps_listed(tmp_path / "m") == 0:
            assert running.poll() is None, "the run ended before its first checkpoint"
            time.sleep(0.1)
        os.killpg(running.pid, signal.SIGKILL)
    assert not (tmp_path / "m" / "baseline.json").exists()
    listed = steps_listed(tmp_path / "m")
    short = {"max_minutes": 1e-6}
    (tmp_path / "m" / "settings.json").unlink()  # the same run, but for its last minute
    left = recipe.learning.model_copy(update=short)
    ended = make_baseline(recipe.model_copy(update={"learning": left}))
    assert listed >= 5 and ended.outcome["num_steps"] == listed


def test_a_list_of_checkpoints_that_a_kill_damaged_is_set_aside(samples, tmp_path):
    learning = LEARNING | {"num_epochs": 2}
    recipe = recipe_of(samples, tmp_path / "m", "planet", learning=learning)
    storage = tmp_path / "m" / "checkpoints"
    storage.mkdir(parents=True)
    (storage / SNAPSHOT).write_text('{"checkpoint_results": [{"checkp')
    assert make_baseline(recipe).outcome["num_steps"] == 4
