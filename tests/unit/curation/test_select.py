import pyarrow.parquet as pq
import pytest

from georay.core.tables import SCORES, rows_to_table
from georay.curation.select import CURATED, select

SCORED = {"a": 0.39999, "b": 0.4, "c": 0.9, "d": None}


@pytest.fixture
def scores(tmp_path):
    rows = [
        {"image_id": name, "uri": f"{name}.jpg", "copies": 1, "locatability": value, "city": "Rome"}
        for name, value in SCORED.items()
    ]
    (tmp_path / "scores").mkdir()
    pq.write_table(rows_to_table(rows[:2], SCORES), tmp_path / "scores" / "0.parquet")
    pq.write_table(rows_to_table(rows[2:], SCORES), tmp_path / "scores" / "1.parquet")
    return tmp_path / "scores"


@pytest.mark.parametrize(
    ("threshold", "kept"), [(0.4, ["b", "c"]), (0.41, ["c"]), (0, ["a", "b", "c"]), (0.95, [])]
)
def test_images_at_or_above_the_threshold_are_kept(scores, tmp_path, threshold, kept):
    (tmp_path / "curated").mkdir()
    assert select(scores, tmp_path / "curated", threshold) == len(kept)
    table = pq.read_table(tmp_path / "curated" / "part-00000.parquet")
    assert table.schema.equals(CURATED)
    assert table.column("image_id").to_pylist() == kept
    assert set(table.column("city").to_pylist()) <= {"Rome"}
