"""Panoramas on their way through curation: views as rows, files as counts."""

import shutil

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image

from georay.config.curate import CurateRecipe, LimitsRecipe, SegmenterRecipe
from georay.config.load import parse_recipe
from georay.core.tables import INPUTS, SCORES, conform, rows_to_table
from georay.curation.collapse import FileCount, collapse, done_files, remaining
from georay.curation.inputs.remarks import counts_by_kind
from georay.curation.operators import ReadImages, ScoreLocatability, SegmentImages, WriteScores
from georay.curation.report.counts import funnel, panoramas
from georay.curation.report.data import charted_scores, scored_pictures
from georay.curation.single import score_picture
from georay.curation.summary import summarize
from georay.locatability.weights import published_weights

LIMITS = LimitsRecipe()
HEADINGS = [0, 90, 180, 270]


def panorama(width: int = 2_400, shade: int = 200) -> Image.Image:
    """Sky above, ground below, the same all around."""
    pixels = np.full((width // 2, width, 3), 90, np.uint8)
    pixels[: width // 4] = (120, 170, shade)
    return Image.fromarray(pixels)


def gpano(heading: float) -> bytes:
    return (
        b'<x xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" '
        b'GPano:ProjectionType="equirectangular" GPano:PoseHeadingDegrees="%g"/>' % heading
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures")
    panorama().save(path / "pano.jpg")
    shutil.copy(path / "pano.jpg", path / "again.jpg")
    panorama(2_000, 100).save(path / "turned.jpg", xmp=gpano(30))
    panorama(400).save(path / "plain.jpg")
    shutil.copy(path / "plain.jpg", path / "plain.jpg#heading=90")
    return path


@pytest.fixture(scope="module")
def segment():
    torch.set_num_threads(1)
    return SegmentImages(SegmenterRecipe(), LIMITS)


def inputs(folder, *names, **columns):
    return rows_to_table([{"uri": str(folder / name), **columns} for name in names], INPUTS)


def rows_of(segment, table):
    read = pa.concat_tables(ReadImages(LIMITS)(table))
    return segment(read).to_pylist()


def test_a_panorama_becomes_a_row_for_each_view(segment, folder):
    rows = rows_of(segment, inputs(folder, "pano.jpg", "plain.jpg", latitude=48.0, longitude=2.0))
    views, (plain,) = rows[:4], rows[4:]
    assert [row["uri"] for row in views] == [f"{folder}/pano.jpg#heading={h}" for h in HEADINGS]
    assert [row["heading"] for row in views] == HEADINGS
    assert {row["projection"] for row in views} == {"view"}
    assert {(row["width"], row["height"]) for row in views} == {(600, 600)}
    assert {(row["latitude"], row["longitude"]) for row in views} == {(48.0, 2.0)}
    assert len({row["image_id"] for row in rows}) == 5
    assert all(len(row["area_ratio"]) == 150 for row in rows)
    assert (plain["uri"], plain["projection"]) == (f"{folder}/plain.jpg", None)


def test_headings_are_the_compasss_where_the_file_or_the_list_says_them(segment, folder):
    told = rows_of(segment, inputs(folder, "turned.jpg"))
    assert [row["heading"] for row in told] == [30, 120, 210, 300]
    assert told[1]["uri"].endswith("turned.jpg#heading=120")
    listed = rows_of(segment, inputs(folder, "pano.jpg", heading=350.0))
    assert [row["heading"] for row in listed] == [350, 80, 170, 260]
    assert [row["uri"].rpartition("=")[2] for row in listed] == ["0", "90", "180", "270"]
    both = rows_of(segment, inputs(folder, "turned.jpg", heading=100.0))
    assert [row["heading"] for row in both] == [100, 190, 280, 10]


@pytest.mark.parametrize("says_so", [True, False])
def test_a_view_in_a_list_is_that_view_alone(segment, folder, says_so):
    table = inputs(folder, "pano.jpg#heading=90", projection="view" if says_so else None)
    (row,) = rows_of(segment, table)
    cut = rows_of(segment, inputs(folder, "pano.jpg"))[1]
    same = ("image_id", "uri", "projection", "width", "area_ratio")
    assert {name: row[name] for name in same} == {name: cut[name] for name in same}


def test_a_file_that_is_called_like_a_view_is_that_file(segment, folder):
    (row,) = rows_of(segment, inputs(folder, "plain.jpg#heading=90"))
    assert (row["error"], row["projection"], row["width"]) == (None, None, 400)


@pytest.mark.parametrize("name", ["plain.jpg#heading=90", "absent.jpg#heading=90", "plain.jpg"])
def test_what_is_no_view_and_is_called_one_is_an_error_of_its_own(segment, folder, name):
    first, good = rows_of(
        segment,
        pa.concat_tables([inputs(folder, name, projection="view"), inputs(folder, "plain.jpg")]),
    )
    assert first["error_kind"] in ("no panorama", "unreadable")
    assert good["error"] is None


def test_a_run_may_leave_panoramas_whole_or_skip_them(folder):
    whole = SegmentImages(SegmenterRecipe(), LIMITS, "whole")
    (row,) = rows_of(whole, inputs(folder, "pano.jpg"))
    assert (row["projection"], row["width"], row["heading"]) == ("equirectangular", 2_400, None)
    assert row["area_ratio"] is not None
    skip = SegmentImages(SegmenterRecipe(), LIMITS, "skip")
    skipped, plain = rows_of(skip, inputs(folder, "pano.jpg", "plain.jpg"))
    assert (skipped["projection"], skipped["error_kind"]) == (
        "equirectangular",
        "skipped panorama",
    )
    assert plain["error"] is None


def test_few_pictures_are_decoded_at_a_time_and_batches_are_full(folder, monkeypatch):
    sizes = []

    class Counting:
        id, largest_unknown_share = "counting", 1.0

        def area_ratios(self, images):
            sizes.append(len(images))
            return np.eye(len(images), 150, dtype=np.float32)

    monkeypatch.setattr("georay.models.segmenter.load_segmenter", lambda *_, **__: Counting())
    segment = SegmentImages(SegmenterRecipe(), LIMITS, batch_size=6)
    rows = rows_of(segment, inputs(folder, "pano.jpg", "plain.jpg", "turned.jpg", "again.jpg"))
    assert sizes == [6, 6, 1]
    assert [row["uri"].rpartition("/")[2][:4] for row in rows] == (
        ["pano"] * 4 + ["plai"] + ["turn"] * 4 + ["agai"] * 4
    )


def test_large_files_are_read_in_several_tables(folder, monkeypatch):
    monkeypatch.setattr("georay.curation.operators._BYTES_AT_ONCE", 10)
    names = ("pano.jpg", "absent.jpg", "plain.jpg")
    tables = list(ReadImages(LIMITS)(inputs(folder, *names)))
    assert [table.num_rows for table in tables] == [1, 2]
    joined = pa.concat_tables(tables)
    assert [uri.rpartition("/")[2] for uri in joined["uri"].to_pylist()] == list(names)
    assert [raw is None for raw in joined["bytes"].to_pylist()] == [False, True, False]


@pytest.fixture(scope="module")
def scores(segment, folder, tmp_path_factory):
    """Scores of two files that are one panorama, another one, and a photograph."""
    out = tmp_path_factory.mktemp("scores")
    (out / "parts").mkdir()
    (out / "scores").mkdir()
    for names in (["pano.jpg", "plain.jpg"], ["again.jpg", "turned.jpg"]):
        table = segment(pa.concat_tables(ReadImages(LIMITS)(inputs(folder, *names))))
        told = WriteScores(out / "parts")(ScoreLocatability(published_weights())(table))
        assert told["num_rows"].to_pylist() == [2], "files, not views"
    listed = inputs(folder, "pano.jpg", "again.jpg", "turned.jpg", "plain.jpg")
    collapse(sorted((out / "parts").iterdir()), out / "scores", listed)
    return out


def test_exact_copies_of_a_panorama_are_copies_of_its_views(scores):
    rows = pa.parquet.read_table(scores / "scores").to_pylist()
    assert len(rows) == 9
    copied = [row for row in rows if row["copies"] == 2]
    assert len(copied) == 4
    assert all("again.jpg#heading=" in row["uri"] for row in copied)
    assert all("pano.jpg#heading=" in row["duplicate_uris"][0] for row in copied)


def test_the_label_of_any_copy_is_that_of_all_views_and_each_keeps_its_heading(
    scores, folder, tmp_path
):
    said = inputs(folder, "pano.jpg", country="FR", heading=10.0)
    listed = pa.concat_tables([said, inputs(folder, "again.jpg", "turned.jpg", "plain.jpg")])
    collapse(sorted((scores / "scores").iterdir()), tmp_path, listed)
    rows = pa.parquet.read_table(tmp_path).to_pylist()
    copied = [row for row in rows if row["copies"] == 2]
    assert [row["country"] for row in copied] == ["FR"] * 4
    assert sorted(row["heading"] for row in copied) == HEADINGS
    assert {row["country"] for row in rows if row["copies"] == 1} == {None}


def test_a_panorama_is_done_when_its_views_are(scores, folder):
    files = sorted((scores / "scores").iterdir())
    names = ("pano.jpg", "again.jpg", "turned.jpg", "plain.jpg")
    listed = inputs(folder, *names, "new.jpg", "pano.jpg#heading=90")
    assert remaining(listed, files)["uri"].to_pylist() == [str(folder / "new.jpg")]
    assert sorted(done_files(files).to_pylist()) == sorted(str(folder / name) for name in names)


def test_the_summary_counts_files_once_and_says_how_many_views(scores, folder):
    listed = inputs(folder, "pano.jpg", "again.jpg", "turned.jpg", "plain.jpg")
    found = summarize(listed, (), scores, scores / "scores", 0.0)
    assert found.counts() == {
        **counts_by_kind(()),
        "listed": 4, "lost": 0, "files": 4, "panoramas": 2, "views": 8, "images": 9,
        "duplicates": 1, "scored": 9, "kept": 9, "dropped": 0, "errors": 0, "errors_by_kind": {},
        "outside_segmenter": 0,
    }  # fmt: skip
    assert "4 files: 9 images scored, 1 exact duplicates" in found.as_text()
    assert "2 panoramas among them, scored as 8 views" in found.as_text()


def test_the_reports_funnel_says_where_more_pictures_than_files_come_from(scores):
    table = pa.parquet.read_table(scores / "scores")
    charted = charted_scores(conform(table, SCORES, "scores").to_batches())
    steps = funnel(charted, scored_pictures(charted.rows, 0.0), "0.00")
    assert [(step.name, step.count) for step in steps] == [
        ("files found", 4), ("readable", 4), ("different pictures", 3),
        ("with views", 9), ("scored", 9), ("kept", 9),
    ]  # fmt: skip
    assert max(step.share for step in steps) == 1
    assert [step.lost for step in steps[:3]] == ["", "", "1 exact duplicate"]
    assert panoramas(charted) == "Panoramas: 2 cut into 8 views of 90°."


def test_files_without_panoramas_are_counted_as_before():
    rows = [
        {"image_id": "a", "uri": "a#heading=1", "copies": 3, "duplicate_uris": ["b", "c"]},
        {"image_id": "d", "uri": "d", "copies": 1, "error": "bad", "error_kind": "empty"},
    ]
    count = FileCount()
    count.add(rows_to_table(rows, SCORES))
    assert (count.num_files, count.num_different, count.num_panoramas) == (4, 2, 0)


def test_single_scores_of_a_panorama_are_those_of_its_views(folder):
    recipe = parse_recipe({"inputs": ["x"], "output": str(folder)}, CurateRecipe, "test")
    names = [one.title for one in score_picture(str(folder / "pano.jpg"), recipe)]
    assert names == [f"{folder}/pano.jpg#heading={heading}" for heading in HEADINGS]
    (one,) = score_picture(str(folder / "pano.jpg#heading=90"), recipe)
    assert one.title == names[1]
    (plain,) = score_picture(str(folder / "plain.jpg"), recipe)
    assert plain.title == f"{folder}/plain.jpg"
    whole = recipe.model_copy(update={"panoramas": "whole"})
    assert len(score_picture(str(folder / "pano.jpg"), whole)) == 1
