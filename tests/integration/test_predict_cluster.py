"""Predictions by workers of a real Ray cluster of this machine."""

import pyarrow.parquet as pq
import pytest
from panorama_room import write_panorama
from predicting_room import recipe_of, write_model, write_samples

from georay.core.tables import SAMPLES, rows_to_table
from georay.errors import GeorayError
from georay.evaluation.parts import Parts
from georay.evaluation.predict import predict

WORKERS = {"num_workers": 2, "cpus_per_worker": 0.5}
ONE_WORKER = {"num_workers": 1, "cpus_per_worker": 0.5}
pytestmark = pytest.mark.usefixtures("cluster")


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    root = tmp_path_factory.mktemp("room")
    write_model(root / "small")
    write_samples(root / "drawn")
    return root


def rows_without_times(path):
    return [row | {"latency_ms": None} for row in pq.read_table(path).to_pylist()]


def test_workers_give_the_answers_that_one_process_gives(room, monkeypatch):
    monkeypatch.chdir(room)  # so that paths are relative, as in a recipe
    paths = ("drawn/samples.parquet", "small")
    predict(recipe_of(*paths, "here.parquet"))
    summary = predict(recipe_of(*paths, "there.parquet", workers=WORKERS))
    assert summary.statuses == {"answered": summary.num_images}
    assert rows_without_times("there.parquet") == rows_without_times("here.parquet")


def test_shards_that_a_stopped_run_left_are_not_asked_again_and_every_row_is_there_once(
    room, tmp_path, monkeypatch
):
    asked = recipe_of(
        room / "drawn" / "samples.parquet",
        room / "small",
        tmp_path / "o.parquet",
        workers=ONE_WORKER,
    )
    with monkeypatch.context() as patched:
        patched.setattr(Parts, "gathered", None)
        with pytest.raises(TypeError):
            predict(asked)
    first, second = sorted((tmp_path / "o.parts").glob("part-*.parquet"))
    kept = pq.read_table(first).to_pylist()
    second.write_bytes(b"cut short")
    summary = predict(asked)
    answers = pq.read_table(tmp_path / "o.parquet").to_pylist()
    assert len({row["image_id"] for row in answers}) == len(answers) == summary.num_images
    assert [row for row in answers if row in kept] == kept, "what was saved was asked again"


def test_a_view_of_a_panorama_is_one_for_workers_too(room, tmp_path):
    samples = pq.read_table(room / "drawn" / "samples.parquet").to_pylist()
    view = {"uri": f"{write_panorama(tmp_path / 'pano.jpg')}#heading=180", "projection": "view"}
    changed = [row | view for row in samples]
    pq.write_table(rows_to_table(changed, SAMPLES), tmp_path / "views.parquet")
    asked = recipe_of(
        tmp_path / "views.parquet", room / "small", tmp_path / "o.parquet", workers=ONE_WORKER
    )
    summary = predict(asked)
    assert summary.statuses == {"answered": summary.num_images}


def test_more_workers_than_fit_are_refused_and_do_not_wait_for_each_other(room):
    samples = room / "drawn" / "samples.parquet"
    for workers, named in (
        ({"num_workers": 2, "cpus_per_worker": 0.9}, "need 2.05 CPUs, and this cluster has 2"),
        ({"num_workers": 1, "gpus_per_worker": 1}, "need 1 GPUs"),
    ):
        asked = recipe_of(samples, room / "small", room / "more.parquet", workers=workers)
        with pytest.raises(GeorayError, match=named):
            predict(asked)


@pytest.mark.slow
def test_workers_that_cannot_load_the_model_say_why(room):
    samples = room / "drawn" / "samples.parquet"
    asked = recipe_of(samples, room / "absent", room / "o.parquet", workers=WORKERS)
    with pytest.raises(GeorayError, match=r"answering stopped: no folder .*absent"):
        predict(asked)
