"""Answers of an untrained model about drawn scenes: whole, once each, and told where from."""

import json
import shutil
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest
import torch
from panorama_room import heading_of, write_panorama
from predicting_room import SCENES_PER_SPLIT, recipe_of, write_model, write_samples

from georay.config.load import dump_recipe
from georay.config.predict import FREE
from georay.core.manifest import file_sha256, write_atomic
from georay.core.paths import open_parquet, path_of
from georay.core.tables import PREDICTIONS, SAMPLES, rows_to_table
from georay.evaluation import predict as predict_module
from georay.evaluation.metrics import evaluate_file
from georay.evaluation.model_identity import load_locator
from georay.evaluation.predict import predict
from georay.models.adapter_card import read_card
from georay.models.adapters import AdapterStack
from georay.models.loading import load_family
from georay.models.locator import Locator

NUM_IMAGES = SCENES_PER_SPLIT["test"]


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """The model and the samples as files, and a run that nobody disturbed."""
    root = tmp_path_factory.mktemp("room")
    write_model(root / "small")
    write_samples(root / "drawn")
    predict(recipe(root, root / "whole.parquet"))
    return root


def recipe(room, output, **changes):
    return recipe_of(room / "drawn" / "samples.parquet", room / "small", output, **changes)


def rows(path):
    return pq.read_table(path).to_pylist()


def without_times(answers):
    return [row | {"latency_ms": None} for row in answers]


def drawn(room):
    """The samples of the test split, by picture."""
    found = pq.read_table(room / "drawn" / "samples.parquet").to_pylist()
    chosen = [row for row in found if (row["split"], row["stage"]) == ("test", "location")]
    return {row["image_id"]: row for row in chosen}


def rewritten(room, folder, changes):
    """The same samples with other facts for the pictures that `changes` names."""
    samples = pq.read_table(room / "drawn" / "samples.parquet").to_pylist()
    changed = [row | changes.get(row["image_id"], {}) for row in samples]
    pq.write_table(rows_to_table(changed, SAMPLES), folder / "changed.parquet")
    return [str(folder / "changed.parquet")]


def test_every_picture_of_the_split_is_answered_once_in_order_beside_its_truth(room):
    table = pq.read_table(room / "whole.parquet")
    assert table.schema.equals(PREDICTIONS)
    truth = drawn(room)
    assert table.column("image_id").to_pylist() == sorted(truth)
    for row in table.to_pylist():
        true = truth[row["image_id"]]
        for column in ("country", "city", "latitude", "longitude"):
            assert row[f"true_{column}"] == true[column]
        assert (row["status"], row["model"], row["adapter"]) == ("answered", "small", None)
        assert len(row["country"]) == 2 and row["raw"].startswith('{"country": "')
        assert row["latency_ms"] > 0
    assert len({row["raw"] for row in table.to_pylist()}) > 1, "the pictures were not looked at"


def test_the_answers_are_those_that_the_locator_gives(room):
    truth = drawn(room)
    answers = rows(room / "whole.parquet")
    locator = load_locator(recipe(room, room / "whole.parquet"))
    found = locator.locate([truth[row["image_id"]]["uri"] for row in answers[:2]], top_k=0)
    assert [one.raw for one in found] == [row["raw"] for row in answers[:2]]
    assert [one.latitude for one in found] == [row["latitude"] for row in answers[:2]]


def test_the_table_can_be_measured(room):
    found = evaluate_file(room / "whole.parquet")
    assert found.num_images == found.num_placed == NUM_IMAGES
    assert found.country.recall.value == 1.0


def test_the_file_beside_it_says_how_the_answers_came_about(room):
    facts = json.loads((room / "whole.json").read_text())
    assert facts["predictions"] == {
        "name": "whole.parquet",
        "sha256": file_sha256(room / "whole.parquet"),
    }
    model = facts["settings"]["model"]
    assert (model["name"], model["revision"], model["adapters"]) == ("small", None, {})
    weights = room / "small" / "model.safetensors"
    assert model["files"]["model.safetensors"] == file_sha256(weights)
    assert facts["recipe"]["answering"]["prompt"] == "location"
    assert facts["statuses"] == {"answered": NUM_IMAGES}
    assert not (room / "whole.parts").exists()


def test_a_killed_run_goes_on_where_it_was_and_ends_with_the_same_answers(room, tmp_path):
    asked = recipe(room, tmp_path / "killed.parquet")
    (tmp_path / "recipe.yaml").write_text(dump_recipe(asked))
    command = [sys.executable, "-m", "georay", "predict", str(tmp_path / "recipe.yaml")]
    parts = tmp_path / "killed.parts"
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        while not list(parts.glob("part-*.parquet")):
            assert running.poll() is None, "the run ended before its first shard was saved"
            time.sleep(0.005)
        running.send_signal(signal.SIGKILL)
    assert not (tmp_path / "killed.parquet").exists(), "too late: the run was whole already"
    saved = [row for part in parts.glob("part-*.parquet") for row in rows(part)]
    assert 0 < len(saved) < NUM_IMAGES
    summary = predict(asked)
    assert (summary.num_images, summary.finished_before) == (NUM_IMAGES, False)
    answers = rows(tmp_path / "killed.parquet")
    kept = {row["image_id"]: row for row in saved}
    found = [row for row in answers if row["image_id"] in kept]
    assert found == [kept[row["image_id"]] for row in found], "what was saved was asked again"
    assert without_times(answers) == without_times(rows(room / "whole.parquet"))


def test_a_finished_run_is_not_asked_again(room, tmp_path, monkeypatch):
    for name in ("whole.parquet", "whole.json"):
        shutil.copy(room / name, tmp_path / name)
    before = (tmp_path / "whole.parquet").read_bytes()
    monkeypatch.setattr(Locator, "locate", None)
    summary = predict(recipe(room, tmp_path / "whole.parquet"))
    assert summary.finished_before
    assert summary.statuses == {"answered": NUM_IMAGES}
    assert (tmp_path / "whole.parquet").read_bytes() == before


def test_pictures_that_cannot_be_read_are_failed_rows_and_change_no_other(room, tmp_path):
    truth = drawn(room)
    empty, absent, *_ = sorted(truth)
    (tmp_path / "empty.jpg").write_bytes(b"")
    uris = {empty: tmp_path / "empty.jpg", absent: tmp_path / "absent.jpg"}
    samples = rewritten(room, tmp_path, {one: {"uri": str(uri)} for one, uri in uris.items()})
    changed = recipe(room, tmp_path / "o.parquet", samples=samples)
    assert predict(changed).statuses == {"answered": NUM_IMAGES - 2, "failed": 2}
    answers = rows(tmp_path / "o.parquet")
    assert [row["status"] for row in answers[:2]] == ["failed", "failed"]
    assert answers[0]["error"] == "the file has zero bytes"
    assert "absent.jpg" in answers[1]["error"]
    assert answers[0]["true_country"] == truth[empty]["country"]
    assert without_times(answers[2:]) == without_times(rows(room / "whole.parquet")[2:])


def test_a_view_of_a_panorama_is_asked_about_and_not_the_whole(room, tmp_path, monkeypatch):
    view, lost, *_ = sorted(drawn(room))
    file = write_panorama(tmp_path / "pano.jpg")
    changes = {
        view: {"uri": f"{file}#heading=180", "projection": "view"},
        lost: {"uri": f"{file}#north", "projection": "view"},
    }
    seen = []
    asked = Locator.locate
    monkeypatch.setattr(
        Locator,
        "locate",
        lambda self, images, top_k: seen.extend(images) or asked(self, images, top_k),
    )
    changed = recipe(room, tmp_path / "o.parquet", samples=rewritten(room, tmp_path, changes))
    assert predict(changed).statuses == {"answered": NUM_IMAGES - 1, "failed": 1}
    assert (seen[0].size, heading_of(seen[0])) == ((256, 256), 180)
    assert "#heading=DEGREES" in rows(tmp_path / "o.parquet")[1]["error"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"shard_size": 4}, "shard_size was 3, is 4"),
        ({"answering": {"prompt": "inference"}}, "answering was"),
        ({"answering": FREE}, "answering was"),
        ({"max_images": 2}, "pictures was"),
    ],
)
def test_answers_that_came_about_otherwise_are_not_continued(room, changes, named):
    with pytest.raises(ValueError, match=named):
        predict(recipe(room, room / "whole.parquet", **changes))


def test_other_truth_other_weights_or_a_changed_table_are_noticed(room, tmp_path):
    moved = rewritten(room, tmp_path, {next(iter(drawn(room))): {"latitude": 0.0}})
    with pytest.raises(ValueError, match="pictures was"):
        predict(recipe(room, room / "whole.parquet", samples=moved))
    other = shutil.copytree(room / "small", tmp_path / "small")
    with (other / "model.safetensors").open("ab") as file:
        file.write(b" ")
    with pytest.raises(ValueError, match="model was"):
        predict(recipe(room, room / "whole.parquet", model=str(other)))
    for name in ("whole.parquet", "whole.json"):
        shutil.copy(room / name, tmp_path / name)
    pq.write_table(pq.read_table(room / "whole.parquet").slice(1), tmp_path / "whole.parquet")
    with pytest.raises(ValueError, match=r"no whole\.json beside it describes it"):
        predict(recipe(room, tmp_path / "whole.parquet"))


def test_a_table_of_something_else_is_not_written_over(room, tmp_path):
    shutil.copy(room / "drawn" / "samples.parquet", tmp_path / "o.parquet")
    (tmp_path / "o.json").write_text('{"kind": "samples"}')
    with pytest.raises(ValueError, match="choose another output"):
        predict(recipe(room, tmp_path / "o.parquet"))
    assert pq.read_schema(tmp_path / "o.parquet").equals(SAMPLES)


@pytest.mark.parametrize("workers", [None, {"num_workers": 1}])
def test_a_model_that_is_none_is_said_before_anything_is_written(
    room, tmp_path, monkeypatch, workers
):
    monkeypatch.setattr("georay.runtime.connect.connect", None)
    asked = {"model": "nobody", "workers": workers}
    with pytest.raises(ValueError, match="no such model"):
        predict(recipe(room, tmp_path / "o.parquet", **asked))
    with pytest.raises(ValueError, match="no such model"):
        predict(recipe(room, tmp_path / "o.parquet", **asked, cluster={"address": "auto"}))
    (tmp_path / "calibration.json").write_text("{}")
    shutil.copytree(room / "small", tmp_path / "small")
    (tmp_path / "calibration.json").rename(tmp_path / "small" / "calibration.json")
    with pytest.raises(ValueError, match="not a calibration"):
        predict(recipe(room, tmp_path / "o.parquet", model=str(tmp_path / "small")))
    assert not list(tmp_path.glob("o.*"))


def test_parts_that_no_settings_vouch_for_are_not_taken_for_answers(room, tmp_path):
    parts = tmp_path / "o.parts"
    parts.mkdir()
    stale = pq.read_table(room / "whole.parquet").slice(0, 1)
    pq.write_table(stale, parts / "part-00000.parquet")
    predict(recipe(room, tmp_path / "o.parquet", max_images=1))
    (row,) = rows(tmp_path / "o.parquet")
    assert row["image_id"] != stale.column("image_id")[0].as_py()


def test_adapters_act_and_are_named_by_the_hashes_of_their_weights(room, tmp_path):
    family = load_family(str(room / "small"))
    stack = AdapterStack.build(family.network, "small", ("reasoning", "location"))
    with torch.no_grad():
        for name, parameter in stack.model.named_parameters():
            if "lora_B" in name:
                parameter.add_(0.2)
    stack.save(tmp_path / "adapters")
    asked = recipe(
        room, tmp_path / "tuned.parquet", adapters=str(tmp_path / "adapters"), max_images=2
    )
    predict(asked)
    answers = rows(tmp_path / "tuned.parquet")
    assert [row["adapter"] for row in answers] == ["reasoning+location"] * 2
    bare = {row["image_id"]: row["raw"] for row in rows(room / "whole.parquet")}
    assert any(row["raw"] != bare[row["image_id"]] for row in answers)
    facts = json.loads((tmp_path / "tuned.json").read_text())
    assert facts["settings"]["model"]["adapters"] == {
        name: read_card(tmp_path / "adapters" / name).weights for name in stack.names
    }
    with pytest.raises(ValueError, match="holds no adapter"):
        predict(asked.model_copy(update={"adapters": str(room / "small")}))


def test_candidates_are_kept_where_countries_are_ranked(room, tmp_path):
    answering = recipe(room, tmp_path / "r.parquet").answering.model_dump() | {"top_k": 2}
    predict(recipe(room, tmp_path / "r.parquet", answering=answering, max_images=1))
    (row,) = rows(tmp_path / "r.parquet")
    assert row["candidates"][0]["country"] == row["country"]
    assert len(row["candidates"]) == 2 and row["candidates"][0]["towns"]


def test_answers_are_written_to_a_storage_and_an_ended_run_there_goes_on(room):
    away = path_of("memory://answers")
    write_atomic(away / "samples.parquet", (room / "drawn" / "samples.parquet").read_bytes())
    asked = recipe_of(away / "samples.parquet", room / "small", away / "told.parquet")
    monkeypatch = pytest.MonkeyPatch()
    with monkeypatch.context() as patch:
        patch.setattr(predict_module, "_publish", ended)
        with pytest.raises(KeyboardInterrupt):
            predict(asked)
    parts = path_of("memory://answers/told.parts")
    assert len(list(parts.glob("part-*.parquet"))) == 2
    write_atomic(next(parts.glob("part-*.parquet")), b"cut short")
    assert not predict(asked).finished_before
    assert not any(parts.files())
    told = open_parquet(away / "told.parquet").read().to_pylist()
    assert without_times(told) == without_times(rows(room / "whole.parquet"))
    assert predict(asked).finished_before


def ended(*_):
    raise KeyboardInterrupt
