import threading

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from make_bad_images import FOLDER
from PIL import Image

from georay.config.curate import LimitsRecipe, SegmenterRecipe
from georay.core.tables import INPUTS, SCORES, rows_to_table
from georay.curation import operators
from georay.curation.operators import ReadImages, ScoreLocatability, SegmentImages, WriteScores
from georay.locatability.weights import published_weights

LIMITS = LimitsRecipe()


@pytest.fixture(scope="module")
def segment():
    return SegmentImages(SegmenterRecipe(), LIMITS)


def read(*uris, **columns):
    rows = rows_to_table([{"uri": str(uri), **columns} for uri in uris], INPUTS)
    return pa.concat_tables(ReadImages(LIMITS)(rows))


def test_rows_pass_through_all_operators_and_each_is_written_once(segment, tmp_path):
    table = segment(read(FOLDER / "cmyk.jpg", FOLDER / "empty.jpg", FOLDER / "nowhere.jpg"))
    scored = ScoreLocatability(published_weights())(table)
    write = WriteScores(tmp_path)
    told = write(scored).to_pylist()[0]
    assert (told["num_rows"], told["num_errors"]) == (3, 2)
    write(scored)
    (file,) = tmp_path.iterdir()
    rows = pq.read_table(file)
    assert rows.schema.equals(SCORES)
    assert [row["error_kind"] for row in rows.to_pylist()] == [None, "empty", "unreadable"]


def test_empty_files_and_absent_files_are_not_copies_of_each_other():
    table = read(FOLDER / "empty.jpg", FOLDER / "empty_again.jpg", "/absent/a.jpg", "/absent/b.jpg")
    assert len(set(table.column("image_id").to_pylist())) == 4


def test_coordinates_of_the_list_are_kept_and_exif_fills_only_what_is_missing(segment):
    given = segment(read(FOLDER / "with_gps.jpg", latitude=1.0, longitude=2.0)).to_pylist()[0]
    assert (given["latitude"], given["longitude"]) == (1.0, 2.0)
    missing = segment(read(FOLDER / "with_gps.jpg")).to_pylist()[0]
    assert (missing["latitude"], missing["longitude"]) == pytest.approx((-33.449, -70.6505))


class Choosy:
    """A segmenter that refuses narrow pictures, as a network out of memory refuses large ones."""

    id = "choosy"
    largest_unknown_share = 0.25

    def area_ratios(self, images: list[Image.Image]) -> np.ndarray:
        """What is no multiple of 40 pixels wide is half unknown."""
        if any(image.width < 20 for image in images):
            raise RuntimeError("too narrow")
        known = [0.5 if image.width % 40 else 1.0 for image in images]
        return np.eye(len(images), 150, dtype=np.float32) * np.float32(known)[:, None]


def test_an_image_that_cannot_be_segmented_costs_only_itself(tmp_path, monkeypatch):
    monkeypatch.setattr("georay.models.segmenter.load_segmenter", lambda *_, **__: Choosy())
    for name, width in (("a.png", 40), ("b.png", 10), ("c.png", 40)):
        Image.new("RGB", (width, 40)).save(tmp_path / name)
    segment = SegmentImages(SegmenterRecipe(), LIMITS)
    rows = segment(read(*(tmp_path / name for name in ("a.png", "b.png", "c.png")))).to_pylist()
    assert [row["error_kind"] for row in rows] == [None, "segmentation", None]
    assert "too narrow" in rows[1]["error"]
    assert rows[0]["area_ratio"][0] == rows[2]["area_ratio"][0] == 1


def test_a_bad_entry_of_a_list_is_an_error_of_that_row_and_its_file_is_not_read():
    table = read(FOLDER / "cmyk.jpg", error="list.csv, row 2: latitude 'abc' is not a number")
    (row,) = table.drop_columns(["bytes"]).to_pylist()
    assert (row["error_kind"], row["error"][:15]) == ("bad entry", "list.csv, row 2")
    assert table["bytes"].null_count == 1
    other = read(FOLDER / "empty.jpg", error="list.csv, row 3: latitude 95")
    assert other["image_id"].to_pylist() != table["image_id"].to_pylist()


def test_a_name_that_is_not_utf8_is_an_error_of_that_row():
    (row,) = read("file:///photos/caf%E9.jpg").drop_columns(["bytes"]).to_pylist()
    assert (row["error_kind"], row["error"]) == (
        "unreadable", "cannot be read: the name is not UTF-8; rename it",
    )  # fmt: skip


def test_the_next_batch_is_decoded_while_one_is_segmented(monkeypatch):
    decoded, lock = [], threading.Condition()
    before = operators._SceneMaker.__call__

    def decoding(maker, row, raw):
        scenes = before(maker, row, raw)
        with lock:
            decoded.append(row["uri"])
            lock.notify_all()
        return scenes

    class Patient:
        """Goes on when the batch behind its own is decoded; the last of three has none."""

        id, largest_unknown_share, ahead = "patient", 1.0, []

        def area_ratios(self, images):
            batch = len(self.ahead)
            wanted = min(2 * (batch + 2), 6)
            with lock:
                self.ahead.append(lock.wait_for(lambda: len(decoded) >= wanted, timeout=60))
            return np.eye(len(images), 150, dtype=np.float32)

    monkeypatch.setattr(operators._SceneMaker, "__call__", decoding)
    monkeypatch.setattr("georay.models.segmenter.load_segmenter", lambda *_, **__: Patient())
    segment = SegmentImages(SegmenterRecipe(), LIMITS, decode_threads=2, batch_size=2)
    segment(read(*[FOLDER / "cmyk.jpg"] * 6))
    assert Patient.ahead == [True, True, True]


def test_a_picture_that_the_segmenter_does_not_know_is_marked(tmp_path, monkeypatch):
    monkeypatch.setattr("georay.models.segmenter.load_segmenter", lambda *_, **__: Choosy())
    for name, width in (("known.png", 40), ("strange.png", 50)):
        Image.new("RGB", (width, 40)).save(tmp_path / name)
    segment = SegmentImages(SegmenterRecipe(), LIMITS)
    rows = segment(read(tmp_path / "known.png", tmp_path / "strange.png")).to_pylist()
    assert [row["unknown_share"] for row in rows] == [0, 0.5]
    assert [row["outside_segmenter"] for row in rows] == [False, True]
