"""Tables of any program, and what their columns mean."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from georay.evaluation.inputs.cells import numbers, texts, written
from georay.evaluation.inputs.files import read_columns
from georay.evaluation.inputs.names import PLACE, answers_and_truth, answers_only, truth_only


def column(values, kind=None):
    return pa.chunked_array([pa.array(values, kind)])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "id, lat ,note\n007, 1.5, \"a, b\"\n"),
        ("a.csv", "\ufeffid;lat;note\n007;1.5;a, b\n"),
        ("a.tsv", "id\tlat\tnote\n007\t1.5\ta, b\n\n"),
        ("a.jsonl", '{"id": "007", "lat": "1.5", "note": "a, b"}\n\n'),
        ("a.json", '[{"id": "007", "lat": "1.5", "note": "a, b"}]'),
    ],
)  # fmt: skip
def test_one_table_is_read_from_all_its_forms(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert read_columns(tmp_path / name).to_pylist() == [
        {"id": "007", "lat": "1.5", "note": "a, b"}
    ]


def test_json_keeps_numbers_and_writes_out_what_is_neither_number_nor_text(tmp_path):
    rows = [
        {"id": 1, "lat": 2.5, "top": ["FR"]},
        {"id": 2, "extra": "x", "mixed": 3},
        {"mixed": "y"},
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    found = read_columns(path)
    assert found.column("id").to_pylist() == [1, 2, None]
    assert found.column("lat").to_pylist() == [2.5, None, None]
    assert found.column("top").to_pylist() == ['["FR"]', None, None]
    assert found.column("mixed").to_pylist() == [None, "3", "y"]


def test_named_parts_are_columns_of_their_own(tmp_path):
    row = {"id": "a", "prediction": {"lat": 1.5, "lon": 2.5}, "image": {"path": "a.jpg"}}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.parquet"):
        table = read_columns(tmp_path / name)
        assert table.column("prediction.lon").to_pylist() == [2.5]
        columns = answers_only(table.column_names, None).columns
        assert (columns["latitude"], columns["image_id"]) == ("prediction.lat", "image.path")


def test_a_folder_of_parquet_files_is_one_table(tmp_path):
    for number in (1, 2):
        pq.write_table(pa.table({"id": [number]}), tmp_path / f"{number}.parquet")
    assert sorted(read_columns(tmp_path).column("id").to_pylist()) == [1, 2]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", "id,lat\n1,2,3\n", "line 2 has 3 cells under 2 columns"),
        ("a.jsonl", '{"id": 1}\n{"id"\n', "line 2 is no JSON"),
        ("a.jsonl", "[1]\n", "row 1 is no JSON object but 1"),
    ],
)
def test_a_row_that_has_no_meaning_is_named(tmp_path, name, content, told):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=told):
        read_columns(tmp_path / name)


def test_a_long_answer_is_no_error(tmp_path):
    (tmp_path / "a.csv").write_text(f'id,raw\n1,"{"x" * 200_000}"\n')
    assert len(read_columns(tmp_path / "a.csv").column("raw")[0].as_py()) == 200_000


def test_degrees_are_read_as_people_write_them_and_what_is_none_is_shown():
    cells = ["48.85", " 48° 51' N ", "33.9 S", "nan", "", "N/A", "95", "north", None, "inf"]
    found = numbers(column(cells), "latitude")
    assert found.values.to_pylist() == [48.85, 48.85, -33.9, *[None] * 7]
    assert found.bad == ((7, "95"), (8, "north"), (10, "inf"))
    shares = numbers(column(["0.5", "85 %", "7 % or so", "high"]), "confidence")
    assert shares.values.to_pylist() == [0.5, 0.85, None, None]
    floats = numbers(column([1.0, float("nan"), 200.0]), "longitude")
    assert (floats.values.to_pylist(), floats.bad) == ([1.0, None, 200.0], ())


def test_whole_numbers_are_ids_without_a_point_and_namibia_is_no_gap():
    assert written(column([7.0, None, 0.5])).to_pylist() == ["7", None, "0.5"]
    assert written(column([7, 8])).to_pylist() == ["7", "8"]
    with pytest.raises(ValueError, match=r"it holds list<.*>, and neither text nor numbers"):
        written(column([["a"]]))
    assert texts(column(["NA", " nan ", "None", "", "x"])).to_pylist() == [
        "NA",
        None,
        None,
        None,
        "x",
    ]


@pytest.mark.parametrize("image", ["img_id", "image_id", "IMG_ID", "id", "filename", "imageName"])
@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        ("lat", "lon"), ("LAT", "LON"), ("latitude", "lng"), ("pred_lat", "pred_lng"),
        ("predLat", "predLong"), ("predicted_latitude", "predicted_longitude"),
        ("lat_pred", "lon_pred"), ("guess lat", "guess lon"),
    ],
)  # fmt: skip
def test_answers_apart_from_their_truth_go_by_many_names(image, latitude, longitude):
    chosen = answers_only([image, latitude, longitude, "annotator"], None)
    assert chosen.columns == {"image_id": image, "latitude": latitude, "longitude": longitude}
    assert chosen.unused == ("annotator",)


def test_the_answer_of_a_file_with_a_truth_of_its_own_is_the_marked_one():
    names = ["id", "lat", "pred_lat", "true_lat", "country"]
    assert answers_only(names, None).columns == {
        "image_id": "id",
        "latitude": "pred_lat",
        "country": "country",
    }
    assert answers_only(names, None).unused == ("lat", "true_lat")
    assert answers_and_truth(names, None).columns["true_latitude"] == "true_lat"


def test_a_table_of_truths_may_say_what_kind_and_how_locatable_a_picture_is():
    chosen = truth_only(["image_id", "latitude", "longitude", "scene", "locatability", "pred_lat"])
    assert chosen.columns == {
        "image_id": "image_id", "true_latitude": "latitude", "true_longitude": "longitude",
        "kind": "scene", "locatability": "locatability",
    }  # fmt: skip
    assert chosen.unused == ("pred_lat",)


def test_two_columns_that_are_called_alike_are_refused():
    with pytest.raises(ValueError, match="two columns are called 'pred lat'"):
        answers_only(["id", "Pred_Lat", "pred lat"], None)


@pytest.mark.parametrize(
    ("names", "raw", "answers", "truths"),
    [
        (["id", "pred_country", "lat"], None, {"country"}, {"latitude"}),
        (["id", "country", "true_lat"], None, {"country"}, {"latitude"}),
        (["id", "model_response", "country"], None, set(), {"country"}),
        (["id", "said", "country"], "said", set(), {"country"}),
        (["id", "pred_lat", "true_lat", "country"], None, {"latitude"}, {"latitude"}),
        (["id", "country"], None, set(), set()),
    ],
)
def test_plain_names_are_what_the_marked_ones_are_not(names, raw, answers, truths):
    columns = answers_and_truth(names, raw).columns
    assert {field for field in PLACE if field in columns} == answers
    assert {field for field in PLACE if f"true_{field}" in columns} == truths


def test_beside_raw_texts_only_marked_columns_are_another_reading():
    names = ["id", "said", "pred_city", "country"]
    found = answers_only(names, "said")
    assert found.columns == {"image_id": "id", "city": "pred_city", "raw": "said"}
    assert found.unused == ("country",)
