"""Rows that do not fit into memory: dealt into files, and back in order."""

import pyarrow as pa
import pytest

from georay.curation.samples import spill
from georay.curation.samples.spill import Spill

SCHEMA = pa.schema([("kind", pa.string()), ("name", pa.string()), ("number", pa.int64())])


def row(kind, name, number):
    return {"kind": kind, "name": name, "number": number}


@pytest.fixture(params=[1, 3, 8192])
def room(request, monkeypatch, tmp_path):
    """A folder, whatever the number of rows that wait in memory."""
    monkeypatch.setattr(spill, "_ROWS_AT_ONCE", request.param)
    return tmp_path / "spill"


def test_tables_come_in_the_order_of_the_columns_that_rows_are_dealt_by(room):
    spilt = Spill(room, SCHEMA, ("kind", "name"))
    given = [row("b", "x1", 0), row("a", None, 1), row("a", "b2", 2), row("a", "b1", 3)]
    for one in [*given, row("b", "yes", 4), row("a", "", 5)]:
        spilt.add(one)
    tables = [table.column("number").to_pylist() for table in spilt.tables()]
    assert tables == [[5], [2, 3], [1], [0, 4]], "nulls last; within a table as they came"


def test_rows_may_be_gone_through_twice_and_keep_their_types(room):
    spilt = Spill(room, SCHEMA, ())
    for number in range(10):
        spilt.add(row("a", str(number), number))
    for _ in range(2):
        (table,) = spilt.tables()
        assert table.schema.equals(SCHEMA)
        assert table.column("number").to_pylist() == list(range(10))


def test_without_a_row_there_is_no_table(room):
    assert list(Spill(room, SCHEMA, ("kind",)).tables()) == []
