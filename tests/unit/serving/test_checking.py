"""What cannot be served is said in a sentence, by the functions that load, before Ray starts."""

import json
import shutil
from pathlib import Path

import pytest
import ray
from locating_family import small_family
from serving_parts import save_small_model, small_recipe

from georay.config.load import parse_recipe
from georay.config.serve import ServeRecipe
from georay.errors import ModelUnavailable
from georay.models import checking
from georay.runtime.causes import cause_in
from georay.serving import app
from georay.serving.checking import check_anywhere, check_here
from georay.serving.replica.engines.load import load_engine

FAULT = (ValueError, ModelUnavailable)


@pytest.fixture
def files(model: Path, tmp_path: Path) -> Path:
    """A model with adapters of its own, to be broken."""
    shutil.copytree(model.parent, tmp_path / "served")
    return tmp_path / "served" / "model"


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8] + b"damaged!")


def write(path: Path, content: str) -> None:
    path.write_text(content)


BREAK = {
    "no adapter": lambda files: shutil.rmtree(files.parent / "adapters"),
    "no card.json": lambda files: (files.parent / "adapters/location/card.json").unlink(),
    "not an adapter card": lambda files: write(files.parent / "adapters/location/card.json", "{}"),
    "not the file that its card describes": lambda files: damage(
        files.parent / "adapters/location/adapter_model.safetensors"
    ),
    "trained above": lambda files: shutil.rmtree(files.parent / "adapters/reasoning"),
    "not a calibration": lambda files: write(files.parent / "adapters/calibration.json", "{}"),
    "no folder": shutil.rmtree,
}


@pytest.mark.parametrize("sentence", [one for one in BREAK if one != "no folder"])
def test_what_is_broken_is_named_here_and_by_the_builder(files, sentence):
    BREAK[sentence](files)
    recipe = small_recipe(files)
    for check in (check_here, check_anywhere, app.build):
        with pytest.raises(FAULT, match=sentence) as caught:
            check(recipe)
        assert "\n" not in str(caught.value).split(": ", 1)[0]
    assert not ray.is_initialized()


def test_an_absent_folder_is_named_here_and_may_lie_on_other_nodes(files):
    BREAK["no folder"](files)
    with pytest.raises(ValueError, match="no folder"):
        check_here(small_recipe(files))
    app.build(small_recipe(files))


@pytest.mark.parametrize("sentence", BREAK)
def test_of_a_model_too_large_to_be_loaded_ahead_the_same_is_told(files, sentence, monkeypatch):
    def loaded(*_: object, **__: object) -> None:
        raise AssertionError("it was loaded")

    monkeypatch.setattr(checking, "_A_MOMENT", 0)
    monkeypatch.setattr(checking, "load_model", loaded)
    check_here(small_recipe(files))
    BREAK[sentence](files)
    with pytest.raises(FAULT, match=sentence):
        check_here(small_recipe(files))


def test_adapters_of_another_base_are_refused(files, tmp_path):
    other = save_small_model(tmp_path / "other")
    family = small_family()
    weight = family.network.transformer.wte.weight
    before = weight.data.clone()
    weight.data += 0.5
    try:
        family.network.save_pretrained(other)
    finally:
        weight.data = before
    with pytest.raises(ValueError, match="trained on another base"):
        check_here(small_recipe(other, adapters=str(files.parent / "adapters")))


def test_weights_that_are_broken_are_said_to_be(files):
    (files / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ModelUnavailable, match="are damaged"):
        check_here(small_recipe(files))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "nobody"}, "no such model"),
        ({"model": "Someone/Something", "adapters": None}, "give `revision`"),
        ({"locatability": {"weights": "/nowhere/weights.json"}}, "there is no file"),
    ],
)
def test_what_no_machine_could_serve_is_told_everywhere(model, changes, sentence):
    recipe = parse_recipe(small_recipe(model).model_dump() | changes, ServeRecipe, "test")
    for check in (check_here, app.build):
        with pytest.raises(FAULT, match=sentence):
            check(recipe)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"limits": {"keys_variable": "ABSENT_KEYS"}}, "ABSENT_KEYS.*holds no API key"),
        (
            {"remote": {"base_url": "http://h/v1", "model": "m", "key_variable": "ABSENT_KEY"}},
            "ABSENT_KEY.*is not set",
        ),
        ({"remote": {"base_url": "h/v1", "model": "m"}}, "base_url needs http"),
        ({"remote": {"base_url": "http://::1:8000/v1", "model": "m"}}, "is not a URL"),
    ],
)
def test_absent_keys_and_endpoints_that_are_none_are_told_here(
    model, changes, sentence, monkeypatch
):
    monkeypatch.delenv("ABSENT_KEYS", raising=False)
    monkeypatch.delenv("ABSENT_KEY", raising=False)
    with pytest.raises(ValueError, match=sentence):
        check_here(small_recipe(model, **({"adapters": None} | changes)))


def test_an_absent_segmenter_is_told_here(model, tmp_path):
    recipe = small_recipe(model, locatability={"segmenter": {"model": str(tmp_path)}})
    with pytest.raises(ModelUnavailable, match="cannot load the segmenter"):
        check_here(recipe)


def test_an_engine_is_made_of_a_recipe_that_passes(model):
    remote = {"base_url": "http://[::1]:8000/v1", "model": "m"}
    recipes = [small_recipe(model), parse_recipe({"remote": remote}, ServeRecipe, "test")]
    for recipe in recipes:
        check_here(recipe)
        check_anywhere(recipe)
    cards = [load_engine(recipe).card for recipe in recipes]
    assert [card.default_adapter for card in cards] == ["both", "none"]
    assert cards[1].id == "m", "an IPv6 address is an endpoint's too"


def test_the_cause_of_a_deployment_that_cannot_start_is_its_last_error():
    told = (
        "The deployment failed to start 3 times in a row. Error:\n"
        "\x1b[36mray::ServeReplica:georay:Model.initialize()\x1b[39m (pid=1)\n"
        "RuntimeError: Traceback (most recent call last):\n"
        '  File "hub.py", line 32, in pinned_revision\n'
        "huggingface_hub.errors.HFValidationError: Repo id must be 'a/b'\n\n"
        "The above exception was the direct cause of the following exception:\n\n"
        '  File "hub.py", line 34\n    raise ModelUnavailable(\n'
        "georay.errors.ModelUnavailable: cannot pin the segmenter x: the hub is away.\nGive a hash."
    )
    assert cause_in(told) == "cannot pin the segmenter x: the hub is away.\nGive a hash."
    assert cause_in("no such thing") == "no such thing"
    assert json.dumps(cause_in(told)).count("Traceback") == 0
