"""Where a run of predictions writes, and what it says of itself at its end."""

from pathlib import Path

import pyarrow as pa
import pytest

from georay.evaluation.answering import cut
from georay.evaluation.predict import PredictionFiles, PredictSummary


def test_everything_of_a_run_lies_beside_its_table():
    files = PredictionFiles(Path("runs/of.today/p.parquet"))
    assert files.facts == Path("runs/of.today/p.json")
    assert files.parts.root == Path("runs/of.today/p.parts")
    assert files.parts.settings == Path("runs/of.today/p.parts/settings.json")


def test_a_summary_tells_counts_statuses_and_whether_anything_was_asked():
    summary = PredictSummary("p.parquet", 1200, {"answered": 1100, "failed": 100}, False)
    assert summary.as_text() == ("1,200 images: 1,100 answered, 100 failed\npredictions: p.parquet")
    before = PredictSummary("p.parquet", 1, {"answered": 1}, True)
    assert before.as_text() == (
        "1 images: 1 answered (finished before; nothing was asked again)\npredictions: p.parquet"
    )
    assert before.to_json() == {
        "table": "p.parquet", "num_images": 1, "statuses": {"answered": 1}, "finished_before": True,
        "usage": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (1, [1]), (3, [3]), (4, [3, 1]), (7, [3, 3, 1])]
)
def test_shards_hold_every_picture_once_in_order(count, sizes):
    rows = pa.table({"image_id": [f"i{n}" for n in range(count)]})
    shards = list(cut(rows, 3))
    assert [shard.num_rows for shard in shards] == sizes
    assert pa.concat_tables([rows.slice(0, 0), *shards]).equals(rows)
