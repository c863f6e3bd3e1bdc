from dataclasses import asdict

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from georay.core.tables import (
    INPUTS,
    PREDICTIONS,
    SAMPLES,
    SCORES,
    TERMS,
    conform,
    read_samples,
    rows_to_table,
)
from georay.errors import TableMismatch
from georay.models.locations import Candidate, Location, TownCandidate


def test_columns_come_in_the_declared_order_and_type_and_others_are_left_out():
    table = pa.table({"extra": [1], "longitude": [7], "uri": ["a.jpg"]})
    conforming = conform(table, INPUTS, "inputs")
    assert conforming.schema.equals(INPUTS)
    assert conforming.to_pylist()[0] == {
        "uri": "a.jpg", "latitude": None, "longitude": 7.0,
        "country": None, "city": None, "heading": None, "projection": None, "error": None,
        **dict.fromkeys(TERMS),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"latitude": [1.0]}, "'inputs' has no column 'uri'"),
        ({"uri": ["a"], "latitude": ["north"]}, "column 'latitude' of table 'inputs'"),
        ({"uri": ["a", None]}, "column 'uri' of table 'inputs' has empty entries"),
    ],
    ids=["missing", "wrong type", "empty entry"],
)
def test_a_table_that_does_not_match_is_refused_with_the_column_named(columns, message):
    with pytest.raises(TableMismatch, match=message):
        conform(pa.table(columns), INPUTS, "inputs")


def test_a_mismatch_is_a_value_error_for_callers_that_know_no_georay_errors():
    assert issubclass(TableMismatch, ValueError)


def test_numbers_written_as_text_are_read_as_numbers():
    table = pa.table({"uri": ["a"], "latitude": ["48.5"]})
    assert conform(table, INPUTS, "inputs").column("latitude").to_pylist() == [48.5]


def test_rows_become_a_table_with_absent_columns_empty():
    table = rows_to_table([{"image_id": "1", "uri": "a", "copies": 1, "area_ratio": [0.5]}], SCORES)
    assert table.schema.equals(SCORES)
    assert table.to_pylist()[0]["locatability"] is None


SAMPLE = {
    "sample_id": "1", "stage": "reasoning", "split": "train", "place": "cell 1 2", "image_id": "i",
    "uri": "i.jpg", "question": "Where?", "answer": "{}", "country": "FR",
}  # fmt: skip


def test_a_sample_needs_no_town_and_no_coordinates():
    row = conform(pa.Table.from_pylist([SAMPLE]), SAMPLES, "samples").to_pylist()[0]
    assert row["city"] is None and row["latitude"] is None


@pytest.mark.parametrize("column", ["sample_id", "place", "split", "answer", "country"])
def test_a_sample_without_what_training_needs_is_refused(column):
    table = pa.Table.from_pylist([SAMPLE]).drop_columns([column])
    with pytest.raises(TableMismatch, match=f"'samples' has no column '{column}'"):
        conform(table, SAMPLES, "samples")


def test_a_folder_of_samples_may_be_named_as_a_whole(tmp_path):
    row = {field.name: "x" for field in SAMPLES if field.type == pa.string()}
    table = rows_to_table([row], SAMPLES)
    for folder in ("samples", "samples_left_out"):
        (tmp_path / folder).mkdir()
        pq.write_table(table, tmp_path / folder / "part.parquet")
    (tmp_path / "samples.json").write_text("{}")
    for location in (tmp_path, tmp_path / "samples"):
        assert read_samples([str(location)]).equals(table)


def test_a_location_fits_the_predictions_with_its_candidates_and_their_towns(tmp_path):
    town = TownCandidate("Porto", 41.15, -8.61, 0.25)
    location = Location(
        "answered", country="PT", candidates=(Candidate("PT", "Portugal", 0.5, (town,)),)
    )
    row = {"image_id": "i", "model": "tiny"} | location.to_json()
    pq.write_table(rows_to_table([row], PREDICTIONS), tmp_path / "predictions.parquet")
    read = conform(pq.read_table(tmp_path / "predictions.parquet"), PREDICTIONS, "predictions")
    assert read.to_pylist()[0]["candidates"][0]["towns"] == [asdict(town)]
    assert read.to_pylist()[0]["status"] == "answered"


def test_a_column_that_is_absent_is_empty_and_of_its_type():
    table = conform(pa.table({"uri": ["a", "b"]}), INPUTS, "inputs")
    assert table.column("heading").type == pa.float64()
    assert table.column("city").to_pylist() == [None, None]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"latitude": [1.0]}, "table 'inputs' has no column 'uri', which it needs"),
        (
            {"uri": ["a"], "latitude": ["north"]},
            r"column 'latitude' of table 'inputs' cannot be read as double: .*north",
        ),
        ({"uri": ["a"], "latitude": [{"x": 1}]}, "column 'latitude' of table 'inputs' cannot"),
        ({"uri": ["a", None]}, "column 'uri' of table 'inputs' has empty entries"),
    ],
)
def test_a_refusal_says_table_column_type_and_cause(columns, message):
    with pytest.raises(TableMismatch, match=f"^{message}"):
        conform(pa.table(columns), INPUTS, "inputs")


def written(path, **facts):
    row = {field.name: "x" for field in SAMPLES if field.type == pa.string()} | facts
    pq.write_table(rows_to_table([row], SAMPLES), path)


def test_samples_of_several_locations_follow_one_another(tmp_path, monkeypatch):
    for name in ("b", "a"):
        written(tmp_path / f"{name}.parquet", sample_id=name)
    monkeypatch.setenv("HOME", str(tmp_path))
    read = read_samples([str(tmp_path / "b.parquet"), "~/a.parquet"])
    assert read.column("sample_id").to_pylist() == ["b", "a"]
    assert read.schema.equals(SAMPLES)


def test_a_location_without_samples_is_named(tmp_path):
    absent, damaged = tmp_path / "absent", tmp_path / "damaged.parquet"
    damaged.write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=f"^no samples at {absent}: give a Parquet file"):
        read_samples([str(absent)])
    with pytest.raises(ValueError, match=f"^cannot read samples from {damaged}: "):
        read_samples([str(damaged)])
    pq.write_table(pa.table({"sample_id": ["1"]}), tmp_path / "other.parquet")
    with pytest.raises(TableMismatch, match=f"table '{tmp_path / 'other.parquet'}' has no column"):
        read_samples([str(tmp_path / "other.parquet")])
