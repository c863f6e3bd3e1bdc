"""`${GEORAY_STORAGE}`, the one variable of a recipe."""

import pytest

from georay.config.curate import CurateRecipe
from georay.config.load import dump_recipe, load_recipe, parse_recipe
from georay.config.serve import ServeRecipe

TEXT = """
inputs: ["${GEORAY_STORAGE}/streetviews/images.parquet"]
output: ${GEORAY_STORAGE}/curation
weights: {clues: "${GEORAY_STORAGE}/clues.parquet"}
"""


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "curate.yaml"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize("folder", ["/mnt/georay", "/mnt/georay/"])
def test_the_folder_is_written_out_wherever_it_stands(recipe, monkeypatch, folder):
    monkeypatch.setenv("GEORAY_STORAGE", folder)
    read = load_recipe(recipe, CurateRecipe)
    assert read.inputs == ("/mnt/georay/streetviews/images.parquet",)
    assert read.output == "/mnt/georay/curation"
    assert read.weights.clues == "/mnt/georay/clues.parquet"
    assert "GEORAY_STORAGE" not in dump_recipe(read)


@pytest.mark.parametrize(
    ("folder", "photos"),
    [
        ("s3://bucket/georay", "s3://bucket/georay/photos"),
        ("s3://bucket?region=eu-1&scheme=http", "s3://bucket/photos?region=eu-1&scheme=http"),
    ],
)
def test_an_address_in_storage_may_be_the_folder(recipe, monkeypatch, folder, photos):
    """Its options stay where an address has them: last."""
    monkeypatch.setenv("GEORAY_STORAGE", folder)
    content = {"inputs": ["${GEORAY_STORAGE}/photos"], "output": "here"}
    assert parse_recipe(content, CurateRecipe, "given").inputs == (photos,)


@pytest.mark.parametrize("text", ["/data${GEORAY_STORAGE}/a", "${GEORAY_STORAGE}-old/a"])
def test_the_variable_begins_a_path(monkeypatch, text):
    monkeypatch.setenv("GEORAY_STORAGE", "/mnt/georay")
    with pytest.raises(ValueError, match="begins a path"):
        parse_recipe({"inputs": ["photos"], "output": text}, CurateRecipe, "given")


@pytest.mark.parametrize("value", [None, "", "/"])
def test_without_the_variable_it_is_said_what_to_set(recipe, monkeypatch, value):
    monkeypatch.delenv("GEORAY_STORAGE", raising=False)
    if value is not None:
        monkeypatch.setenv("GEORAY_STORAGE", value)
    with pytest.raises(ValueError, match="set GEORAY_STORAGE in the environment"):
        load_recipe(recipe, CurateRecipe)


@pytest.mark.parametrize("name", ["GEORAY_STORAGES", "HOME", "STORAGE", "_GEORAY_STORAGE"])
def test_another_variable_is_refused_and_not_made_a_folder(name, monkeypatch):
    monkeypatch.setenv("GEORAY_STORAGE", "/mnt/georay")
    content = {"inputs": ["photos"], "output": f"${{{name}}}/curation"}
    with pytest.raises(ValueError, match="the one variable of a recipe"):
        parse_recipe(content, CurateRecipe, "given")


def test_a_recipe_without_the_variable_needs_none(monkeypatch):
    monkeypatch.delenv("GEORAY_STORAGE", raising=False)
    content = {"inputs": ["$photos", "a {b}"], "output": "${here}"}
    read = parse_recipe(content, CurateRecipe, "given")
    assert (read.inputs, read.output) == (("$photos", "a {b}"), "${here}")


def test_the_arguments_of_a_serve_file_are_filled_in_as_ray_serve_reads_them(monkeypatch):
    monkeypatch.setenv("GEORAY_STORAGE", "/mnt/georay")
    read = ServeRecipe.model_validate({"adapters": "${GEORAY_STORAGE}/train/adapters"})
    assert read.adapters == "/mnt/georay/train/adapters"
