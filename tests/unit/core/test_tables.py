import pyarrow as pa
import pytest

from georay.core.tables import INPUTS, SCORES, conform, rows_to_table
from georay.errors import TableMismatch


def test_columns_come_in_the_declared_order_and_type_and_others_are_left_out():
    table = pa.table({"extra": [1], "longitude": [7], "uri": ["a.jpg"]})
    conforming = conform(table, INPUTS, "inputs")
    assert conforming.schema.equals(INPUTS)
    assert conforming.to_pylist()[0] == {
        "uri": "a.jpg", "latitude": None, "longitude": 7.0,
        "country": None, "city": None, "heading": None,
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
