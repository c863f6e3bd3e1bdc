"""Curves reach what people watch them in; the real packages, where they are installed."""

import pytest
from tensorboardX.proto.event_pb2 import Event

from georay.training.trackers import TrackedStage, check_trackers, open_trackers
from georay.training.watch import StepLog, StepRecord


def log_of(folder, tracker, first=0):
    trackers = open_trackers([tracker], TrackedStage(folder / "run", "location", first))
    return StepLog(folder / "run" / "steps.jsonl", trackers, first)


def record(step, loss):
    return StepRecord(step, loss, 1e-3, 1.0, 8, 800, 0.5)


def test_tensorboard_gets_every_curve(tmp_path):
    log = log_of(tmp_path, "tensorboard")
    log.write(record(7, 1.25))
    log.close()
    (file,) = (tmp_path / "run" / "tensorboard" / "location").iterdir()
    found = {
        value.tag: value.simple_value for event in events(file) for value in event.summary.value
    }
    assert found["loss"] == 1.25
    assert found["samples_per_second"] == 16
    assert found["tokens_per_second"] == 1600
    assert {"learning_rate", "grad_norm"} <= found.keys()


def events(file):
    """TensorBoard's file format: length, its checksum, the event, its checksum."""
    data, place = file.read_bytes(), 0
    while place < len(data):
        length = int.from_bytes(data[place : place + 8], "little")
        yield Event.FromString(data[place + 12 : place + 12 + length])
        place += length + 16


def test_mlflow_goes_on_in_the_same_run_after_a_resume(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    for step in (0, 1):
        log = log_of(tmp_path, "mlflow", first=step)
        log.write(record(step, 2.0 - step))
        log.close()
    client = mlflow.MlflowClient(address)
    experiment = client.get_experiment_by_name("georay").experiment_id
    (run,) = client.search_runs([experiment])
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [(one.step, one.value) for one in history] == [(0, 2.0), (1, 1.0)]
    assert run.info.run_name == "run: location"


def test_weights_and_biases_goes_on_in_the_same_run_after_a_resume(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    for step in (0, 1):
        log = log_of(tmp_path, "wandb", first=step)
        log.write(record(step, 2.0 - step))
        log.close()
    kept = (tmp_path / "run" / "stages" / "location" / "wandb.txt").read_text()
    written = list((tmp_path / "run" / "wandb").glob(f"offline-run-*/run-{kept}.wandb"))
    assert len(written) == 2


def test_an_absent_tracker_is_said_before_anything_runs(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"'wandb', which is not installed: pip install wandb"):
        check_trackers(["wandb"])
