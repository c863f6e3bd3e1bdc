"""The work on some points, without Ray: each view is a picture with its facts, or an error."""

import csv

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from benchmarks.loopback.coverage import shots_near
from benchmarks.loopback.server import Loopback, environment, serving
from georay.acquisition.download import shard as shard_module
from georay.acquisition.download.blur import Blur
from georay.acquisition.download.limiter import RateLimiter, Window
from georay.acquisition.download.run_files import CollectFolder
from georay.acquisition.download.shard import CollectPoints
from georay.acquisition.providers import AccessRefused
from georay.config.collect import CollectRecipe
from georay.config.load import parse_recipe


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    for name, value in environment().items():
        monkeypatch.setenv(name, value)


def points(number, done=()):
    rows = [
        {
            "point_id": f"p{n}",
            "latitude": round(48.8 + n / 1000, 5),
            "longitude": 2.35,
            "city": "Paris",
            "country": "FR",
            "heading_road": 10.0,
            "done": list(done),
        }
        for n in range(number)
    ]
    return pa.Table.from_pylist(rows)


def stage(root, provider, gate=None, **changes):
    content = {
        "points": "unread",
        "output": str(root),
        "provider": provider,
        "requests": {"backoff_s": 0.01, "timeout_s": 3, "tries": 2, "max_bytes": 1 << 20},
    }
    recipe = parse_recipe(content | changes, CollectRecipe, "test")
    return CollectPoints(recipe, root, gate or RateLimiter([Window(1000, 1.0)], None))


def online(api, base):
    provider = {"name": api, "base_url": f"{base}/{api}"}
    return provider | ({"i_may_store_pictures": True} if api == "google" else {"page_size": 3})


def views(root):
    return CollectFolder(root).views().to_pylist()


@pytest.mark.parametrize("api", ["google", "mapillary", "panoramax", "kartaview"])
def test_every_view_has_its_facts(api, tmp_path):
    with serving(Loopback()) as base:
        counts = stage(tmp_path, online(api, base))(points(12)).to_pylist()[0]
    rows = views(tmp_path)
    assert counts["num_views"] == len(rows) == 24
    taken = [row for row in rows if row["error"] is None]
    assert len(taken) == 24 - counts["num_absent"] and counts["num_failed"] == 0
    for row in taken:
        assert (row["country"], row["city"]) == ("FR", "Paris")
        assert 0 <= row["heading"] < 360 and 0 <= row["distance_m"] <= 50
        with Image.open(row["uri"]) as picture:
            assert picture.size == (row["width"], row["height"]) == (256, 256)


def test_faults_cost_their_own_view_and_are_named(tmp_path):
    with serving(Loopback(fault_share=0.5, seed=4)) as base:
        counts = stage(tmp_path, online("google", base))(points(60)).to_pylist()[0]
    rows = views(tmp_path)
    assert len(rows) == counts["num_views"] == 120
    failed = [row for row in rows if row["error"]]
    assert counts["num_failed"] + counts["num_absent"] == len(failed)
    kinds = {row["error_kind"] for row in failed}
    assert {"wrong type", "truncated", "no imagery"} <= kinds
    assert counts["num_again"] > 0 and any(row["error"] is None for row in rows)


def test_a_panorama_is_asked_for_once_for_all_its_views(tmp_path):
    loopback = Loopback()
    with serving(loopback) as base:
        stage(tmp_path, online("panoramax", base), views={"keep": 4})(points(12))
    panoramas = sum(
        shots[0].is_panorama
        for n in range(12)
        if (shots := shots_near(round(48.8 + n / 1000, 5), 2.35, 0.92))
    )
    served = loopback.ledgers["panoramax"].served
    assert panoramas > 1 and set(served.values()) == {1}
    assert sum("~p.jpg" in url for url in served) == panoramas


def test_sides_that_are_done_are_not_taken_again(tmp_path):
    with serving(Loopback()) as base:
        counts = stage(tmp_path, online("google", base))(points(5, ["front"])).to_pylist()[0]
    assert counts["num_views"] == 5
    assert "front" not in {row["side"] for row in views(tmp_path)}


def test_without_quota_views_are_left_and_nothing_more_is_asked(tmp_path):
    class UsedUp(RateLimiter):
        async def enter(self, is_counted):
            return None if is_counted else await super().enter(is_counted)

    loopback = Loopback()
    with serving(loopback) as base:
        work = stage(tmp_path, online("google", base), UsedUp([Window(1000, 1.0)], None))
        first = work(points(200)).to_pylist()[0]
        sent = len(loopback.ledgers["google"].arrivals)
        assert first["num_views"] < 40 and first["num_pictures"] == 0
        work(points(200))
    assert len(loopback.ledgers["google"].arrivals) == sent


def test_what_was_done_before_a_refusal_is_kept(tmp_path):
    loopback = Loopback()
    with serving(loopback) as base:
        work = stage(tmp_path, online("kartaview", base), workers={"points_at_once": 1})
        original, asked = work._provider.find, []

        async def find(point, radius, web):
            asked.append(point)
            if len(asked) > 3:
                raise AccessRefused("enough")
            return await original(point, radius, web)

        work._provider.find = find
        with pytest.raises(AccessRefused, match="enough"):
            work(points(10))
    assert len(views(tmp_path)) == 6


def test_pictures_of_a_folder_are_blurred_where_a_detector_sees_something(tmp_path, monkeypatch):
    photos = tmp_path / "photos"
    photos.mkdir()
    pixels = np.random.default_rng(1).integers(0, 255, (60, 80, 3), np.uint8)
    with (photos / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "latitude", "longitude", "heading"])
        for number in range(2):
            Image.fromarray(pixels).save(photos / f"{number}.png")
            writer.writerow([f"{number}.png", 48.8, 2.35, 10 + 180 * number])

    class SeesAPlate:
        def boxes(self, image):
            return [(20, 20, 60, 40)]

    monkeypatch.setattr(shard_module, "load_blur", lambda recipe: Blur([SeesAPlate()]))
    provider = {"name": "folder", "folder": str(photos), "licence": "CC0", "attribution": "us"}
    stage(tmp_path / "out", provider)(points(1))
    rows = views(tmp_path / "out")
    assert {row["heading"] for row in rows} == {10.0, 190.0}
    assert {row["licence"] for row in rows} == {"CC0"}
    for row in rows:
        changed = np.asarray(Image.open(row["uri"]).convert("RGB"), float)
        assert changed[24:36, 26:54].std() < pixels[24:36, 26:54].std() / 3
