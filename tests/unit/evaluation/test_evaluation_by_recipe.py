"""An evaluation by a recipe leaves its figures as text, numbers and a page."""

import json
from io import BytesIO

import pyarrow.parquet as pq
import pytest
from judged_rows import judged
from PIL import Image

from georay.config.evaluate import EvaluateRecipe
from georay.config.load import load_recipe, parse_recipe
from georay.core.manifest import file_sha256, write_atomic
from georay.core.paths import path_of
from georay.core.tables import PREDICTIONS
from georay.evaluation.inputs.truth import read_truth
from georay.evaluation.written import evaluate_by_recipe

VIENNA = {
    "true_country": "AT", "true_city": "Vienna", "true_latitude": 48.2, "true_longitude": 16.37,
}  # fmt: skip
RIGHT = VIENNA | {"country": "AT", "city": "Vienna", "latitude": 48.2, "longitude": 16.37}


@pytest.fixture
def recipe(tmp_path):
    for name, rows in (("ours", [RIGHT, RIGHT]), ("theirs", [RIGHT, RIGHT | {"country": "HU"}])):
        table = judged(rows).select(PREDICTIONS.names)
        pq.write_table(table, tmp_path / f"{name}.parquet")
    content = {
        "predictions": {name: [str(tmp_path / f"{name}.parquet")] for name in ("ours", "theirs")},
        "output": str(tmp_path / "evaluation"),
    }
    return parse_recipe(content, EvaluateRecipe, "test")


def test_the_folder_holds_text_numbers_a_page_and_the_recipe(recipe, tmp_path):
    written = evaluate_by_recipe(recipe)
    folder = tmp_path / "evaluation"
    figures = json.loads((folder / "figures.json").read_text())
    assert [row["label"] for row in figures["table"]["rows"]] == ["ours", "theirs"]
    assert "theirs" in (folder / "figures.md").read_text()
    assert "<html" in (folder / "report.html").read_text()
    assert load_recipe(folder / "recipe.yaml", EvaluateRecipe) == recipe
    assert str(folder / "report.html") in written.as_text()


def test_judged_again_it_writes_the_same(recipe, tmp_path):
    evaluate_by_recipe(recipe)
    first = (tmp_path / "evaluation" / "figures.json").read_bytes()
    evaluate_by_recipe(recipe)
    assert (tmp_path / "evaluation" / "figures.json").read_bytes() == first


def test_how_distances_count_reaches_the_figures(recipe):
    geodesic = recipe.model_copy(update={"formula": "geodesic", "within": "<"})
    measuring = evaluate_by_recipe(geodesic).found.all[0].evaluation.measuring
    assert (measuring.formula, measuring.within) == ("geodesic", "<")


def test_an_absent_file_is_named(recipe):
    absent = recipe.model_copy(update={"predictions": {"ours": ("absent.parquet",)}})
    with pytest.raises(ValueError, match=r"absent\.parquet"):
        evaluate_by_recipe(absent)


def test_nothing_to_judge_is_refused(tmp_path):
    with pytest.raises(ValueError, match="predictions"):
        parse_recipe({"predictions": {}, "output": "x"}, EvaluateRecipe, "test")


def test_answers_and_truth_in_a_storage_are_judged_into_one(recipe, tmp_path):
    away = path_of("memory://judged")
    predictions = {}
    for name in ("ours", "theirs"):
        copy = away / "runs" / f"{name}.parquet"
        write_atomic(copy, (tmp_path / f"{name}.parquet").read_bytes())
        predictions[name] = [str(copy)]
    lines = "\ufeffimage_id,country,city\r\ni0,AT,Vienna\r\ni1,AT,Vienna\r\n"
    write_atomic(away / "truth.csv", lines)
    content = {"predictions": predictions, "output": str(away / "evaluation")}
    asked = parse_recipe(content | {"truth": str(away / "truth.csv")}, EvaluateRecipe, "test")
    written = evaluate_by_recipe(asked)
    names = {file.name for file in (away / "evaluation").files()}
    assert names == {"figures.json", "figures.md", "recipe.yaml", "report.html"}
    assert load_recipe(away / "evaluation" / "recipe.yaml", EvaluateRecipe) == asked
    source = written.found.all[0].evaluation.source
    assert source.name == "judged/runs/ours.parquet"
    assert source.sha256 == file_sha256(tmp_path / "ours.parquet")


def test_pictures_in_a_storage_say_where_they_were_taken():
    away = path_of("memory://geotagged")
    for number in range(2):
        exif = Image.Exif()
        exif[0x8825] = {1: "N", 2: (48.0, 12.0, 0.0), 3: "E", 4: (16.0 + number, 0.0, 0.0)}
        raw = BytesIO()
        Image.new("RGB", (8, 8)).save(raw, "JPEG", exif=exif)
        write_atomic(away / "deep" / f"{number}.jpg", raw.getvalue())
    write_atomic(away / "notes.txt", "none of them")
    truth = read_truth(away)
    assert truth.table.column("image_id").to_pylist() == ["deep/0.jpg", "deep/1.jpg"]
    assert truth.table.column("true_latitude").to_pylist() == pytest.approx([48.2, 48.2])
    assert set(truth.contents().values()) == {"deep/0.jpg", "deep/1.jpg"}
