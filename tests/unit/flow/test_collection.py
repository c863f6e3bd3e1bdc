"""A collection located in this process: a row for each picture, whatever becomes of it."""

import csv
import json
import shutil

import pyarrow.parquet as pq
import pytest
from misbehaving_endpoint import ANSWER, Endpoint, failed, said
from panorama_room import write_panorama
from predicting_room import write_model

import georay
from georay.config.load import laid_over
from georay.config.locate import LocateRecipe
from georay.core.manifest import write_atomic
from georay.core.paths import open_parquet, path_of
from georay.core.prompts import LOCATION
from georay.core.tables import LOCATED
from georay.curation.single import score_picture
from georay.evaluation.parts import Parts
from georay.flow.collection import announced, locate_collection
from georay.models.answering import LocatorSettings
from georay.models.families.base import Sampling
from georay.models.locator import Locator
from georay.streetworld.export.records import jpeg_bytes
from georay.streetworld.world import StreetWorld

SCENES = 5


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A model and a folder of drawn scenes, with labels and a file that is no picture."""
    root = tmp_path_factory.mktemp("room")
    write_model(root / "small")
    photos = root / "photos"
    photos.mkdir()
    world, labels = StreetWorld(seed=11, size=224), ["file,country,city,latitude,longitude"]
    for number in range(SCENES):
        scene = world.scene(number)
        (photos / f"{number}.jpg").write_bytes(jpeg_bytes(scene.image))
        labels.append(f"{number}.jpg,{scene.country},,{scene.latitude},{scene.longitude}")
    (photos / "empty.jpg").write_bytes(b"")
    (photos / "labels.csv").write_text("\n".join(labels))
    return root


def recipe(room, output, **changes):
    content = {
        "inputs": [room / "photos"],
        "output": output,
        "model": room / "small",
        "device": "cpu",
        "workers": None,
        "answering": {"max_new_tokens": 128, "batch_size": 2, "top_k": 2, "prompt": "location"},
        "shard_size": 2,
    }
    return laid_over(None, LocateRecipe, content | changes)


def rows(folder):
    return pq.read_table(folder / "locations.parquet").to_pylist()


def by_name(folder):
    return {row["uri"].rpartition("/")[2]: row for row in rows(folder)}


@pytest.fixture(scope="module")
def whole(room):
    """A run that nobody disturbed."""
    summary = locate_collection(recipe(room, room / "whole", formats=["csv", "geojson"]))
    assert summary.statuses == {"answered": SCENES, "failed": 1}
    return room / "whole"


def test_every_picture_is_a_row_with_place_candidates_and_locatability(room, whole):
    table = pq.read_table(whole / "locations.parquet")
    assert table.schema.equals(LOCATED)
    found = by_name(whole)
    assert set(found) == {*(f"{number}.jpg" for number in range(SCENES)), "empty.jpg"}
    settings = LocatorSettings(prompt=LOCATION, sampling=Sampling(max_new_tokens=128))
    located = Locator.from_pretrained(str(room / "small"), settings=settings, device="cpu")
    (alone,) = located.locate([room / "photos" / "0.jpg"], top_k=2)
    one = found["0.jpg"]
    assert (one["country"], one["confidence"]) == (alone.country, pytest.approx(alone.confidence))
    assert [c["country"] for c in one["candidates"]] == [c.country for c in alone.candidates]
    assert one["country_name"] and one["latitude"] is not None and one["is_locatable"] is None
    assert found["empty.jpg"]["error"] == "the file has zero bytes"
    assert found["empty.jpg"]["locatability"] is None


def test_locatability_is_that_of_curation_and_labels_are_carried_as_the_truth(room, whole):
    from georay.config.curate import CurateRecipe

    curation = laid_over(None, CurateRecipe, {"inputs": ["x"], "output": "y"})
    (scored,) = score_picture(str(room / "photos" / "1.jpg"), curation)
    one = by_name(whole)["1.jpg"]
    assert one["locatability"] == pytest.approx(scored.locatability, abs=1e-6)
    assert one["true_country"] == StreetWorld(seed=11, size=224).scene(1).country
    judged = georay.evaluate({"ours": whole / "locations.parquet"})
    assert len(judged.all[0].right) == SCENES + 1


def test_csv_and_geojson_hold_the_same_rows(whole):
    with (whole / "locations.csv").open(newline="", encoding="utf-8") as text:
        found = {row["uri"]: row for row in csv.DictReader(text)}
    collection = json.loads((whole / "locations.geojson").read_text(encoding="utf-8"))
    features = {one["properties"]["uri"]: one for one in collection["features"]}
    for row in rows(whole):
        assert found[row["uri"]]["status"] == row["status"]
        point = features[row["uri"]]["geometry"]
        if row["latitude"] is None:
            assert point is None
        else:
            assert point == {
                "type": "Point",
                "coordinates": [row["longitude"], row["latitude"]],
            }
            assert "%" in found[row["uri"]]["candidates"]


def test_the_report_shows_counts_map_and_pictures_and_loads_nothing(whole):
    page = (whole / "report.html").read_text(encoding="utf-8")
    assert "<b>5</b> answered" in page and "<b>1</b> failed" in page
    assert page.count("<figure>") == SCENES and "The surest answers" in page
    assert 'class="land"' in page and 'class="dot' in page
    assert "empty.jpg: the file has zero bytes" in page
    assert 'src="data:image/jpeg' in page and "http" not in page.replace("http-equiv", "")


def test_a_finished_run_is_not_asked_again_and_grows_with_its_inputs(room, tmp_path, monkeypatch):
    photos = shutil.copytree(room / "photos", tmp_path / "photos")
    asked = recipe(room, tmp_path / "run", inputs=[photos])
    first = locate_collection(asked)
    seen = []
    answer = Locator.locate
    monkeypatch.setattr(
        Locator,
        "locate",
        lambda self, images, top_k: seen.extend(images) or answer(self, images, top_k),
    )
    again = locate_collection(asked)
    assert again.finished_before and again.statuses == first.statuses and not seen
    shutil.copy(photos / "0.jpg", photos / "later.jpg")
    (photos / "4.jpg").unlink()
    grown = locate_collection(asked)
    assert len(seen) == 1 and grown.statuses == {"answered": SCENES + 1, "failed": 1}
    assert (grown.num_listed, grown.num_kept) == (SCENES + 1, 1)
    assert "no longer named are kept" in grown.as_text()
    assert len({row["uri"] for row in rows(tmp_path / "run")}) == SCENES + 2


def test_a_killed_run_keeps_what_was_answered(room, whole, tmp_path, monkeypatch):
    asked = recipe(room, tmp_path / "run")
    with monkeypatch.context() as patched:
        patched.setattr(Parts, "table", None)
        with pytest.raises(TypeError):
            locate_collection(asked)
    parts = sorted((tmp_path / "run" / "parts").glob("part-*.parquet"))
    assert len(parts) == 3
    kept = [row for part in parts[1:] for row in pq.read_table(part).to_pylist()]
    parts[0].unlink()
    assert locate_collection(asked).statuses == {"answered": SCENES, "failed": 1}
    found = rows(tmp_path / "run")
    assert [row for row in found if row in kept] and all(row in found for row in kept)
    assert [row["uri"] for row in found] == [row["uri"] for row in rows(whole)]
    assert not (tmp_path / "run" / "parts").exists()


def test_pictures_of_low_locatability_are_skipped_or_flagged_before_the_model_is_asked(
    room, whole, tmp_path, monkeypatch
):
    scores = sorted(row["locatability"] for row in rows(whole) if row["locatability"] is not None)
    least = (scores[1] + scores[2]) / 2
    seen = []
    answer = Locator.locate
    monkeypatch.setattr(
        Locator,
        "locate",
        lambda self, images, top_k: seen.extend(images) or answer(self, images, top_k),
    )
    skipping = recipe(room, tmp_path / "skipped", locatability={"least": least})
    assert locate_collection(skipping).statuses == {"answered": 3, "failed": 1, "skipped": 2}
    assert len(seen) == 3
    low = [row for row in rows(tmp_path / "skipped") if row["status"] == "skipped"]
    assert all(row["locatability"] < least and row["is_locatable"] is False for row in low)
    flagging = recipe(room, tmp_path / "f", locatability={"least": least, "below": "flag"})
    assert locate_collection(flagging).statuses == {"answered": SCENES, "failed": 1}
    assert sorted(
        row["is_locatable"] for row in rows(tmp_path / "f") if row["status"] == "answered"
    ) == [False, False, True, True, True]
    assert "2 below" in (tmp_path / "f" / "report.html").read_text(encoding="utf-8")


def test_other_settings_and_folders_of_other_runs_are_refused(room, whole, tmp_path):
    with pytest.raises(ValueError, match="answering was"):
        locate_collection(recipe(room, whole, answering={"top_k": 1}))
    with pytest.raises(ValueError, match="locatability was"):
        locate_collection(recipe(room, whole, locatability={"least": 0.3}))
    (tmp_path / "manifest.json").write_text('{"kind": "curation"}')
    with pytest.raises(ValueError, match="another kind of run"):
        locate_collection(recipe(room, tmp_path))


def test_the_output_may_lie_among_the_pictures_and_a_view_is_asked_as_one(room, tmp_path):
    write_panorama(tmp_path / "pano.jpg")
    (tmp_path / "views.csv").write_text("file\npano.jpg#heading=90\n")
    asked = recipe(room, tmp_path / "run", inputs=[tmp_path / "views.csv"])
    assert locate_collection(asked).statuses == {"answered": 1}
    assert rows(tmp_path / "run")[0]["projection"] == "view"
    inside = recipe(room, tmp_path / "in", inputs=[tmp_path])
    assert locate_collection(inside).num_listed == 1
    assert locate_collection(inside).finished_before


def test_python_offers_the_same(room, tmp_path):
    kept = {"device": "cpu", "workers": None, "locatability": None, "shard_size": 9}
    summary = georay.locate(
        inputs=[room / "photos" / "0.jpg"],
        output=tmp_path / "run",
        model=str(room / "small"),
        top_k=0,
        answering={"max_new_tokens": 128, "prompt": "location"},
        **kept,
    )
    assert summary.statuses == {"answered": 1}
    (row,) = rows(tmp_path / "run")
    assert row["locatability"] is None and row["candidates"] == []
    with pytest.raises(ValueError, match="output: of a collection"):
        georay.locate(["a.jpg"], output=tmp_path / "run")


@pytest.fixture
def endpoint():
    server = Endpoint()
    yield server
    server.close()


def remote(room, url, output, **changes):
    content = {
        "inputs": [room / "photos"],
        "output": output,
        "model": "far-away",
        "endpoint": {
            "base_url": url,
            "max_concurrency": 1,
            "max_attempts": 1,
            "price_prompt": 10.0,
            "price_answer": 30.0,
            "longest_side": 280,
        },
        "answering": {"max_new_tokens": 100, "batch_size": 4},
        "locatability": None,
        "workers": None,
    }
    return laid_over(None, LocateRecipe, content | changes)


def test_what_a_remote_model_will_take_is_said_before_it_is_asked(room, endpoint, tmp_path):
    asked = remote(room, endpoint.url, tmp_path / "run")
    expected = announced(asked)
    assert expected is not None and not endpoint.asked and not (tmp_path / "run").exists()
    assert (expected.num_pictures, expected.num_at_once) == (SCENES + 1, 1)
    assert expected.num_answer_tokens == 600
    assert 600 < expected.num_prompt_tokens < 6 * 1000
    cost = (expected.num_prompt_tokens * 10 + 600 * 30) / 1e6
    assert expected.cost == pytest.approx(cost)
    said_before = []
    summary = locate_collection(asked, lambda text: said_before.append((text, len(endpoint.asked))))
    assert said_before == [(expected.as_text(), 0)]
    assert summary.usage is not None and summary.usage.cost == pytest.approx(SCENES * 0.0115)
    assert len(endpoint.asked) == SCENES
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Some answers" in page and "5 requests" in page
    assert announced(asked).num_pictures == 0


def test_failed_pictures_are_asked_again_only_where_that_is_wanted(room, endpoint, tmp_path):
    endpoint.script = lambda number, asked: failed(401, "no") if number == 0 else said(ANSWER)
    asked = remote(room, endpoint.url, tmp_path / "run")
    assert locate_collection(asked).statuses == {"answered": SCENES - 1, "failed": 2}
    assert locate_collection(asked).finished_before and len(endpoint.asked) == SCENES
    again = locate_collection(asked.model_copy(update={"retry_failed": True}))
    assert again.statuses == {"answered": SCENES, "failed": 1}
    assert len(endpoint.asked) == SCENES + 1


def test_a_collection_in_a_storage_is_located_into_one(room):
    away = path_of("memory://collection")
    for photo in (room / "photos").iterdir():
        write_atomic(away / "photos" / photo.name, photo.read_bytes())
    asked = recipe(room, str(away / "located"), inputs=[str(away / "photos")], formats=["csv"])
    summary = locate_collection(asked)
    assert summary.num_listed == SCENES + 1 and summary.num_failed == 1
    table = open_parquet(away / "located" / "locations.parquet").read()
    assert all(uri.startswith("memory://") for uri in table.column("uri").to_pylist())
    names = {file.name for file in (away / "located").files()}
    assert {"locations.csv", "manifest.json", "report.html", "recipe.yaml"} <= names
    assert summary.report.read_text().count("data:image/jpeg") > 0
    assert locate_collection(asked).finished_before
