"""The folder of collected street views: journals, what is done, locks and settings."""

import csv
import multiprocessing
import threading
import time
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from georay.acquisition.download import run_files
from georay.acquisition.download.run_files import VIEWS, CollectFolder, Journal
from georay.core.manifest import write_table
from georay.core.storage import LocalAddress
from georay.core.tables import rows_to_table

TAKEN = {
    "point_id": "p1",
    "side": "front",
    "image_id": "abc",
    "uri": "/x/p1_front.jpg",
    "captured_at": datetime(2024, 5, 1, tzinfo=UTC),
    "latitude": 1.5,
}
FAILED = {"point_id": "p1", "side": "left", "error": "status 500", "error_kind": "status 500"}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "parts").mkdir()
    return CollectFolder(tmp_path)


def noted(folder, *rows):
    journal = Journal(folder)
    for row in rows:
        journal.note(row)
    return journal


def test_a_finished_journal_is_a_table(folder):
    noted(folder, TAKEN, FAILED).close()
    assert folder.views().equals(rows_to_table([TAKEN, FAILED], VIEWS))
    assert not list(folder.parts.glob("*.jsonl"))


def test_what_a_killed_worker_noted_is_kept(folder):
    noted(folder, TAKEN, FAILED)  # and never closed
    assert folder.views().num_rows == 0
    with folder.locked():
        assert folder.views().equals(rows_to_table([TAKEN, FAILED], VIEWS))


def test_half_a_line_at_the_end_of_a_journal_costs_nothing_else(folder):
    journal = noted(folder, TAKEN)
    with journal._path.open("a") as file:
        file.write('{"point_id": "p2", "si')
    with folder.locked():
        assert folder.views()["point_id"].to_pylist() == ["p1"]


def test_a_journal_beside_its_own_table_counts_once(folder):
    journal = noted(folder, TAKEN)
    text = journal._path.read_text()
    journal.close()
    journal._path.write_text(text)  # as if killed before it was removed
    with folder.locked():
        assert folder.views().num_rows == 1
        assert not list(folder.parts.glob("*.jsonl"))


def test_a_view_done_twice_counts_once(folder):
    noted(folder, TAKEN).close()
    noted(folder, {**TAKEN, "image_id": "other"}, FAILED).close()
    assert folder.views()["image_id"].to_pylist() == ["abc", None]


def _works(root, seconds):
    with CollectFolder(root).working():
        (root / "begun").touch()
        time.sleep(seconds)
        (root / "ended").touch()


def test_a_new_run_waits_for_the_workers_of_a_killed_one(folder):
    worker = multiprocessing.get_context("spawn").Process(target=_works, args=(folder.root, 1.5))
    worker.start()
    while not (folder.root / "begun").exists():
        time.sleep(0.02)
    with folder.locked():
        assert (folder.root / "ended").exists()
    worker.join()


def test_workers_that_never_end_are_named(folder, monkeypatch):
    monkeypatch.setattr(run_files, "_PATIENCE_S", 0.3)
    with (
        folder.working(),
        pytest.raises(ValueError, match="earlier run still write"),
        folder.locked(),
    ):
        pass


def test_two_runs_at_once_are_refused(folder):
    problems = []

    def second():
        try:
            with folder.locked():
                pass
        except ValueError as problem:
            problems.append(str(problem))

    with folder.locked():
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert "another run is writing" in problems[0]


def test_other_settings_are_refused_once_there_are_views(folder):
    folder.hold_to_settings({"views": 1})
    folder.hold_to_settings({"views": 2})
    noted(folder, TAKEN).close()
    with pytest.raises(ValueError, match="views was 2, is 3"):
        folder.hold_to_settings({"views": 3})


def test_labels_name_pictures_from_their_folder_whatever_it_is_called(tmp_path):
    root = tmp_path / "50%20 #a?b"
    root.mkdir()
    uri = LocalAddress(str(root / "pictures" / "p1_front.jpg")).uri
    images = rows_to_table([{**TAKEN, "uri": uri, "country": "FR"}], VIEWS)
    run_files.write_labels(images, root, root / "labels.csv")
    with (root / "labels.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["file"], row["country"], row["latitude"]) == ("pictures/p1_front.jpg", "FR", "1.5")


def test_tables_are_whole_or_not_there(folder):
    write_table(folder.images, rows_to_table([TAKEN], VIEWS))
    assert pq.read_table(folder.images).num_rows == 1
    assert not list(folder.root.glob(".images*"))


def test_files_of_views_that_were_never_noted_are_removed(folder):
    """A worker killed between the two; the view is asked for again, and may fail then."""
    below = folder.pictures / "p1"
    below.mkdir(parents=True)
    for name in ("p1_front.jpg", "p1_left.jpg", "p1_back.webp", "p1_back.webp.1.partial"):
        (below / name).write_bytes(b"picture")
    noted(folder, TAKEN, FAILED)
    with folder.locked():
        folder.remove_unnoted_pictures()
    assert [file.name for file in below.iterdir()] == ["p1_front.jpg"]
