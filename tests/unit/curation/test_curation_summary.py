"""What a run says of the scale that its locatabilities lie on."""

from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from georay.core.tables import INPUTS, SCORES, rows_to_table
from georay.curation.summary import summarize


def summary(folder, values, threshold, outside=()):
    marks = [*outside, *[None] * (len(values) - len(outside))]
    rows = [
        {"image_id": str(n), "uri": f"/{n}.jpg", "copies": 1, "locatability": value}
        | {"outside_segmenter": marks[n]}
        | ({"error": "broken", "error_kind": "broken"} if value is None else {})
        for n, value in enumerate(values)
    ]
    (folder / "scores").mkdir()
    for part in (0, 1):  # the scale is that of all files
        table = rows_to_table(rows[part::2], SCORES)
        pq.write_table(table, folder / "scores" / f"{part}.parquet")
    inputs = rows_to_table([{"uri": row["uri"]} for row in rows], INPUTS)
    return summarize(inputs, (), folder, folder / "scores", threshold)


def test_where_the_images_lie_is_said(tmp_path):
    said = summary(tmp_path, [0.05, 0.1504, 0.25, 0.5, None], 0.4)
    assert vars(said.spread) == pytest.approx({"least": 0.05, "median": 0.15, "most": 0.5})
    text = said.as_text()
    assert "locatability: 0.05 to 0.50, half of the images above 0.15" in text
    assert "georay select" not in text


def test_pictures_outside_what_the_segmenter_knows_are_counted(tmp_path):
    said = summary(tmp_path, [0.1, 0.5, None], 0.4, outside=[True, False, None])
    assert said.num_outside == said.counts()["outside_segmenter"] == 1
    assert "1 of them outside what this segmenter knows" in said.as_text()
    assert "outside" not in replace(said, num_outside=0).as_text()


def test_scores_of_an_earlier_version_have_no_picture_outside(tmp_path):
    summary(tmp_path, [0.5], 0.4)
    file = tmp_path / "scores" / "0.parquet"
    pq.write_table(pq.read_table(file).drop_columns(["outside_segmenter"]), file)
    inputs = rows_to_table([{"uri": "/0.jpg"}], INPUTS)
    assert summarize(inputs, (), tmp_path, tmp_path / "scores", 0.4).num_outside == 0


def test_where_none_reaches_the_threshold_another_is_advised(tmp_path):
    said = summary(tmp_path, [0.1, 0.2, 0.3], 0.4)
    assert f"georay select {tmp_path} --threshold 0.20 keeps half" in said.as_text()


@pytest.mark.parametrize("values", [[], [None]])
def test_without_a_score_there_is_no_scale(tmp_path, values):
    said = summary(tmp_path, values, 0.4)
    assert said.spread is None and "half of the images" not in said.as_text()


def test_the_ends_of_the_scale_count(tmp_path):
    assert vars(summary(tmp_path, [0.0, 1.0], 0.4).spread) == {
        "least": 0.0, "median": 0.0, "most": 1.0,
    }  # fmt: skip
