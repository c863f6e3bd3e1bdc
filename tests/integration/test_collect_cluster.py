"""Street views on a real Ray from servers on loopback: whole, once each, within quotas, resumed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from storage_server import serving_bucket

from benchmarks.collect import street_points
from benchmarks.loopback.pictures import country_at
from benchmarks.loopback.server import Loopback, environment, serving
from georay.acquisition.download.collect import announced, collect
from georay.acquisition.download.run_files import CollectFolder, Journal
from georay.config.collect import CollectRecipe
from georay.config.load import load_recipe
from georay.core.images import content_id
from georay.core.paths import files_in, open_input, path_of
from georay.core.storage import read_bytes
from georay.core.tables import MISSING_VIEWS, STREET_VIEWS
from georay.curation.inputs import list_inputs
from georay.errors import CollectingStopped, TooManyErrors

NUM_POINTS = 30
FEW_POINTS = 8  # where nearly every request fails and is sent again
pytestmark = pytest.mark.usefixtures("cluster")


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    for name, value in environment().items():
        monkeypatch.setenv(name, value)


def recipe(folder, base, api="google", num_points=NUM_POINTS, **changes):
    """The path of a recipe for points near StreetWorld's towns."""
    pq.write_table(street_points(num_points, seed=5), folder / "points.parquet")
    provider = {"name": api, "base_url": f"{base}/{api}"}
    provider |= {"i_may_store_pictures": True} if api == "google" else {"page_size": 3}
    content = {
        "points": str(folder / "points.parquet"),
        "output": str(folder / "out"),
        "provider": provider,
        "quota": {"per_second": 200},
        "requests": {"backoff_s": 0.1, "timeout_s": 5, "max_bytes": 1 << 20},
        "workers": {"num_workers": 2, "points_at_once": 4, "points_per_shard": 10},
        "cluster": {"num_cpus": 2},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(content | changes))
    return path


def run(path):
    said = []
    return collect(load_recipe(path, CollectRecipe), said.append), said


def check_each_view_once(out, num_points=NUM_POINTS, keep=2):
    images, missing = pq.read_table(out / "images.parquet"), pq.read_table(out / "missing.parquet")
    assert images.schema.equals(STREET_VIEWS) and missing.schema.equals(MISSING_VIEWS)
    rows = images.to_pylist()
    keys = Counter((row["point_id"], row["side"]) for row in rows + missing.to_pylist())
    assert set(keys.values()) == {1}
    points = Counter(point for point, _ in keys)
    assert len(points) == num_points and set(points.values()) == {keep}
    files = {str(file) for file in (out / "pictures").rglob("*.jpg")}
    assert files == {row["uri"] for row in rows}
    for row in rows:
        assert content_id(Path(row["uri"]).read_bytes()) == row["image_id"]
        assert country_at(row["latitude"], row["longitude"]) == row["country"]
        assert row["licence"] and row["attribution"] and row["terms"] and row["captured_at"]
    return rows, missing.to_pylist()


def test_a_run_its_manifest_and_a_second_run_that_has_nothing_to_do(tmp_path):
    api = "google"
    loopback = Loopback(fault_share=0.05, seed=2)
    with serving(loopback) as base:
        path = recipe(tmp_path, base, api)
        estimate = announced(load_recipe(path, CollectRecipe))
        assert (estimate.num_points, estimate.num_pictures) == (NUM_POINTS, 2 * NUM_POINTS)
        summary, said = run(path)
        assert "requests" in said[0] and "terms" in said[0]
        rows, missing = check_each_view_once(tmp_path / "out")
        assert summary.num_pictures == len(rows) > NUM_POINTS
        assert summary.num_absent + summary.num_failed == len(missing) > 0
        sent = len(loopback.ledgers[api].arrivals)
        again, said = run(path)
    assert again.finished_before and not said
    assert len(loopback.ledgers[api].arrivals) == sent
    manifest = json.loads((tmp_path / "out" / "collect.json").read_text())
    assert manifest["counts"]["num_pictures"] == len(rows)
    counted = sum(manifest["counts"]["sent"][n] for n in ("num_searches", "num_pictures"))
    assert sent - 3 <= counted <= sent
    secrets = set(environment().values())
    for file in (tmp_path / "out").glob("*.*"):
        assert not any(secret.encode() in file.read_bytes() for secret in secrets), file


def test_what_is_collected_can_be_curated_with_its_labels(tmp_path):
    with serving(Loopback()) as base:
        run(recipe(tmp_path, base, "kartaview"))
    rows, _ = check_each_view_once(tmp_path / "out")
    for source in ("out", "out/images.parquet"):
        table = list_inputs([str(tmp_path / source)]).table
        listed = {row["uri"]: row for row in table.to_pylist()}
        assert set(listed) == {row["uri"] for row in rows}
        for row in rows:
            for name in ("country", "city", "latitude", "longitude", "heading"):
                assert listed[row["uri"]][name] == row[name]


def test_the_quota_of_the_day_ends_a_run_and_the_next_day_goes_on(tmp_path):
    loopback = Loopback(per_second=200, per_day=25)
    with serving(loopback) as base:
        path = recipe(tmp_path, base, quota={"per_second": 200, "per_day": 25})
        summary, _ = run(path)
        assert summary.num_left > 0 and "tomorrow" in summary.as_text()
        ledger = loopback.ledgers["google"]
        assert (ledger.num_beyond_day, ledger.num_too_fast) == (0, 0)
        assert ledger.num_counted <= 25
        quota = tmp_path / "out" / "day_quota.json"
        quota.write_text(json.dumps(json.loads(quota.read_text()) | {"day": "2020-01-01"}))
        ledger.per_day = None
        path = recipe(tmp_path, base, quota={"per_second": 200, "per_day": 500})
        last, _ = run(path)
    assert last.num_left == 0
    check_each_view_once(tmp_path / "out")
    assert sum(number - 1 for number in ledger.served.values()) == 0, "nothing was paid for twice"


def test_a_provider_that_refuses_stops_the_run_with_its_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.loopback.apis.KEY", "another than the workers have")
    with (
        serving(Loopback()) as base,
        pytest.raises(CollectingStopped, match="API key is invalid") as problem,
    ):
        run(recipe(tmp_path, base))
    assert "Traceback" not in str(problem.value)


def test_failures_are_said_after_all_is_written_and_can_be_asked_for_again(tmp_path):
    loopback = Loopback(fault_share=0.9)
    with serving(loopback) as base:
        path = recipe(tmp_path, base, num_points=FEW_POINTS, max_error_share=0.05)
        with pytest.raises(TooManyErrors, match="failed"):
            run(path)
        check_each_view_once(tmp_path / "out", FEW_POINTS)
        taken = pq.read_table(tmp_path / "out" / "images.parquet").num_rows
        (tmp_path / "out" / "missing.parquet").unlink()
        loopback.repair()
        summary, _ = run(path)
    assert summary.num_failed == 0 and summary.num_pictures > taken
    check_each_view_once(tmp_path / "out", FEW_POINTS)


@pytest.mark.slow
def test_a_driver_killed_twice_loses_nothing_and_takes_nothing_twice(tmp_path):
    loopback = Loopback(per_second=20, fault_share=0.02)
    with serving(loopback) as base:
        path = recipe(tmp_path, base, "mapillary", quota={"per_second": 20})
        for share in (20, 60):
            driver = _start(path)
            while len(loopback.ledgers["mapillary"].arrivals) < share:
                assert driver.poll() is None, path.with_suffix(".log").read_text()
                time.sleep(0.05)
            driver.send_signal(signal.SIGKILL)
            driver.wait()
        assert _start(path).wait(300) == 0, path.with_suffix(".log").read_text()
    check_each_view_once(tmp_path / "out")
    ledger = loopback.ledgers["mapillary"]
    assert ledger.num_too_fast == 0
    served_again = sum(number - 1 for number in ledger.served.values())
    assert served_again <= 2 * 2 * 4, "at most what was on its way at the two kills"


def _start(path):
    command = [sys.executable, "-m", "georay", "collect", str(path)]
    log = path.with_suffix(".log").open("ab")
    return subprocess.Popen(command, stdout=log, stderr=log, env=os.environ)


def test_a_folder_in_a_storage_holds_the_same_and_is_resumed(tmp_path):
    loopback = Loopback(fault_share=0.05, seed=2)
    with serving(loopback) as base, serving_bucket() as bucket:
        path = recipe(tmp_path, base, output=bucket.uri("views"))
        summary, _ = run(path)
        folder = CollectFolder(path_of(bucket.uri("views")))
        with open_input(folder.images) as file:
            rows = pq.read_table(file).to_pylist()
        assert summary.num_pictures == len(rows) > NUM_POINTS
        assert {row["uri"] for row in rows} == {str(one) for one in folder.pictures.files()}
        for row in rows[:5]:
            assert content_id(read_bytes(row["uri"], 1 << 20)) == row["image_id"]
        assert files_in(folder.parts) == []
        sent = len(loopback.ledgers["google"].arrivals)
        folder.images.unlink()  # as if a run had been killed before its tables were published
        folder.missing.unlink()
        kept = rows[: len(rows) // 2]
        folder.parts.mkdir()
        journal = Journal(folder)
        for row in kept[:25]:
            journal.note(row)  # of which a killed worker in a storage has written the first 20
        again, _ = run(path)
        asked = len(loopback.ledgers["google"].arrivals) - sent
        assert again.num_pictures + again.num_absent + again.num_failed == 2 * NUM_POINTS
        assert 0 < asked < sent
        with open_input(folder.images) as file:
            taken = pq.read_table(file)["image_id"].to_pylist()
        assert {row["image_id"] for row in kept[:20]} <= set(taken)
        listing = list_inputs([bucket.uri("views")])
        assert listing.table.num_rows == again.num_pictures
        assert set(listing.table["licence"].to_pylist()) == {rows[0]["licence"]}
