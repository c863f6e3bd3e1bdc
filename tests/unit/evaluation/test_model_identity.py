"""Which model a run is about, told by names and hashes before any of it is loaded."""

import hashlib

import pytest

from georay.config.load import parse_recipe
from georay.config.predict import PredictRecipe
from georay.evaluation.model_identity import identify, seen_from_elsewhere
from georay.models.adapter_card import AdapterCard, LoraSettings, write_card
from georay.models.registry import DEFAULT, REGISTRY


def recipe(**facts):
    content = {"samples": ["s.parquet"], "output": "o.parquet", "model": "tiny"}
    return parse_recipe(content | facts, PredictRecipe, "test")


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def adapter(folder, name, weights):
    (folder / name).mkdir(parents=True)
    settings = LoraSettings(rank=4, alpha=8, dropout=0.0, targets="x")
    card = AdapterCard(
        adapter=name, base="b", base_fingerprint="f", stacked_on={}, weights=weights,
        settings=settings, versions={},
    )  # fmt: skip
    write_card(folder / name, card)


def test_a_folder_is_told_by_its_name_and_the_hashes_of_its_parts(tmp_path, monkeypatch):
    folder = tmp_path / "my-model"
    (folder / "sub.json").mkdir(parents=True)
    (folder / "sub.json").rmdir()
    for name in ("model.safetensors", "config.json", "qwen.tiktoken", "notes.txt"):
        (folder / name).write_text(name)
    monkeypatch.chdir(folder)
    for named in (str(folder), "."):
        found = identify(recipe(model=named, revision="ignored"))
        assert (found.name, found.revision) == ("my-model", None)
        assert list(found.files) == ["config.json", "model.safetensors", "qwen.tiktoken"]
        assert found.files == {name: sha256(name) for name in found.files}
        assert (found.adapters, found.adapter, found.calibration) == ({}, None, None)


def test_a_registered_model_is_told_by_its_revision_or_by_what_the_package_carries():
    spec = REGISTRY[DEFAULT]
    found = identify(recipe(model=DEFAULT))
    assert (found.name, found.revision, found.files) == (spec.id, spec.revision, {})
    assert identify(recipe(model=DEFAULT, revision="other")).revision == "other"
    tiny = identify(recipe())
    assert (tiny.name, tiny.revision) == ("tiny", None)
    assert "model.safetensors" in tiny.files


def test_any_other_name_is_one_of_the_hub():
    found = identify(recipe(model="someone/model", revision="abc"))
    assert (found.name, found.revision, found.files) == ("someone/model", "abc", {})


def test_adapters_are_told_by_the_hashes_on_their_cards_lowest_first(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    adapter(tmp_path / "run", "location", "22")
    adapter(tmp_path / "run", "reasoning", "11")
    (tmp_path / "run" / "calibration.json").write_text("{}")
    for folder in (str(tmp_path / "run"), "~/run"):
        found = identify(recipe(adapters=folder))
        assert list(found.adapters.items()) == [("reasoning", "11"), ("location", "22")]
        assert found.adapter == "reasoning+location"
        assert found.calibration == sha256("{}")
    one = identify(recipe(adapters=str(tmp_path / "run"), active_adapters=("location",)))
    assert one.adapter == "location"


def test_a_folder_without_adapters_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no adapter"):
        identify(recipe(adapters=str(tmp_path)))


@pytest.mark.parametrize(
    ("adapters", "elsewhere"),
    [
        ("runs/adapters", "{here}/runs/adapters"),
        ("s3://bucket/adapters", "s3://bucket/adapters"),
        ("none", "none"),
        (None, None),
    ],
)
def test_workers_that_run_in_another_folder_find_model_and_adapters(
    adapters, elsewhere, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small").mkdir()
    asked = seen_from_elsewhere(recipe(model="small", adapters=adapters))
    assert asked.model == str(tmp_path / "small")
    assert asked.adapters == (elsewhere and elsewhere.format(here=tmp_path))
