"""Predictions by workers of a real Ray cluster of this machine."""

import pyarrow.parquet as pq
import pytest
from predicting_room import recipe_of, write_model, write_samples

from georay.config.cluster import ClusterRecipe
from georay.errors import GeorayError
from georay.evaluation.predict import predict
from georay.runtime.connect import connect

WORKERS = {"num_workers": 2, "cpus_per_worker": 0.5}


@pytest.fixture(scope="module", autouse=True)
def cluster():
    with connect(ClusterRecipe(num_cpus=2)):
        yield


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


@pytest.mark.slow
def test_workers_that_cannot_load_the_model_say_why(room):
    samples = room / "drawn" / "samples.parquet"
    asked = recipe_of(samples, room / "absent", room / "o.parquet", workers=WORKERS)
    with pytest.raises(GeorayError, match=r"answering stopped: no folder .*absent"):
        predict(asked)
