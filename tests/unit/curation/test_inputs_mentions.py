"""Mentions of files on disk become each file once, whatever their number."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from georay.core.tables import INPUTS
from georay.curation.inputs import list_inputs, mentions
from georay.curation.inputs.lists import MENTIONS
from georay.curation.inputs.mentions import Mentions
from georay.curation.inputs.remarks import CONTRADICTING, Remarks

NAMES = ["c", "a", "b", "a", "d", "c", "a", "e"]


@pytest.fixture(params=[1, 3, 100], ids="{} at once".format)
def at_once(request, monkeypatch):
    """How many rows are held at a time, and how many of those that are joined."""
    monkeypatch.setattr(mentions, "_ROWS_AT_ONCE", request.param)
    monkeypatch.setattr(mentions, "_JOINED_AT_ONCE", request.param)
    return request.param


def mentioned(names, **columns):
    rows = [
        {"uri": name, "origin": "list", "row": number}
        | {key: of(number) for key, of in columns.items()}
        for number, name in enumerate(names)
    ]
    return pa.Table.from_pylist(rows, schema=MENTIONS)


def joined(folder: Path, table):
    remarks = Remarks()
    with Mentions(folder / "mentions.arrow") as found:
        found.add(table)
        rows = pa.concat_tables([INPUTS.empty_table(), *found.once_each(remarks)])
    return rows, remarks.all()


def test_each_file_stands_where_it_is_mentioned_first_with_all_that_is_said_of_it(
    at_once, tmp_path
):
    table = mentioned(NAMES, city=lambda number: "Oslo" if number in (3, 4) else None)
    rows, remarks = joined(tmp_path, table)
    assert rows.column("uri").to_pylist() == ["c", "a", "b", "d", "e"]
    assert rows.column("city").to_pylist() == [None, "Oslo", None, "Oslo", None]
    assert remarks == ()


def test_names_of_one_hash_stay_two(at_once, tmp_path, monkeypatch):
    monkeypatch.setattr(mentions, "_hashes", lambda names: np.zeros(len(names), np.int64))
    rows, _ = joined(tmp_path, mentioned(NAMES))
    assert rows.column("uri").to_pylist() == ["c", "a", "b", "d", "e"]


def test_what_contradicts_is_told_once_for_each_file(at_once, tmp_path):
    rows, remarks = joined(tmp_path, mentioned(NAMES, city=lambda number: f"town {number}"))
    assert rows.column("city").to_pylist() == [f"town {number}" for number in (0, 1, 2, 4, 7)]
    [remark] = remarks
    assert (remark.kind, remark.count) == (CONTRADICTING, 2)
    assert sorted(name.partition(":")[0] for name in remark.named) == ["a", "c"]


def test_a_listing_takes_no_memory_that_grows_with_its_rows(tmp_path):
    names = [f"s3://nobody/{number:060}.jpg" for number in range(30_000)]
    pq.write_table(pa.table({"uri": names, "city": ["Oslo"] * len(names)}), tmp_path / "l.parquet")
    before = pa.total_allocated_bytes()
    table = list_inputs([str(tmp_path / "l.parquet")]).table
    assert pa.total_allocated_bytes() - before < 1 << 20
    assert table.nbytes > 2 << 20
    assert table.column("uri").to_pylist() == names
