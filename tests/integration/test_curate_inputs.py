"""What is read in, from files and a storage to scores: nothing lost, nothing read as another."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow.dataset
import pytest
from make_bad_images import FOLDER
from PIL import Image
from storage_server import AWKWARD, serving_bucket

from georay.config.curate import CurateRecipe
from georay.config.load import parse_recipe
from georay.core.images import content_id
from georay.core.storage import parse_address, read_bytes
from georay.core.tables import SCORES
from georay.curation.curate import curate, reselect

WORKERS = {"num_actors": 1, "batch_size": 4, "rows_per_block": 4, "cpus_per_actor": 0.25}
pytestmark = pytest.mark.usefixtures("cluster")


@pytest.fixture(scope="module")
def bucket():
    with serving_bucket() as served:
        yield served


def drawn(path: Path, seed: int) -> Path:
    pixels = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:  # noqa: PTH123
        Image.fromarray(pixels).resize((96, 72)).save(file, "JPEG")
    return path


def recipe_of(out, *sources, **changes) -> CurateRecipe:
    content = {"inputs": [str(source) for source in sources], "output": str(out)}
    content |= {"workers": WORKERS, "max_error_share": 1.0} | changes
    return parse_recipe(content, CurateRecipe, "test")


def scores(run: Path) -> dict[str, dict]:
    table = pyarrow.dataset.dataset(run / "scores", schema=SCORES, format="parquet").to_table()
    return {parse_address(row["uri"]).name: row for row in table.to_pylist()}


def test_every_key_of_a_bucket_is_scored_labelled_and_shown(bucket, tmp_path):
    ids = {}
    for number, name in enumerate(AWKWARD):
        path = drawn(tmp_path / "one.jpg", number)
        bucket.put(f"street views/{name}", path.read_bytes())
        ids[name] = content_id(path.read_bytes())
    labels = "file,city\n" + "".join(f'"{name}",{number}\n' for number, name in enumerate(AWKWARD))
    bucket.put("street views/labels.csv", labels.encode())
    summary = curate(recipe_of(tmp_path / "run", bucket.uri("street views/")))
    rows = scores(tmp_path / "run")
    assert (summary.num_scored, summary.num_errors, summary.num_lost) == (len(AWKWARD), 0, 0)
    assert {name: row["image_id"] for name, row in rows.items()} == ids
    assert [rows[name]["city"] for name in AWKWARD] == [str(n) for n in range(len(AWKWARD))]
    assert all(content_id(read_bytes(row["uri"], 1 << 20)) == row["image_id"]
               for row in rows.values())  # fmt: skip
    assert len(list((tmp_path / "run" / "examples").glob("*.jpg"))) == 12
    assert "<title>street views" in (tmp_path / "run" / "report.html").read_text()
    assert curate(recipe_of(tmp_path / "run", bucket.uri("street views/"))).finished_before


@pytest.fixture(scope="module")
def scored_folder(tmp_path_factory):
    """A folder of awkward names, links and a name that is no UTF-8, given as a uri and scored."""
    root = tmp_path_factory.mktemp("awkward")
    for number, name in enumerate(AWKWARD):
        drawn(root / "photos" / name, number)
    drawn(root / "photos" / os.fsdecode(b"caf\xe9.jpg"), 30)
    drawn(root / "elsewhere" / "linked.jpg", 31)
    (root / "photos" / "linked").symlink_to(root / "elsewhere")
    (root / "photos" / "circle").symlink_to(root / "photos")
    return root, curate(recipe_of(root / "run", f"file://{root}/photos"))


def test_awkward_names_below_a_file_uri_are_no_copies_of_each_other(scored_folder):
    root, summary = scored_folder
    assert summary.num_duplicates == 0
    assert {*AWKWARD, "linked.jpg"} <= set(scores(root / "run"))


def test_a_linked_folder_is_scored_once_and_circles_end(scored_folder):
    root, summary = scored_folder
    assert summary.num_scored == len(AWKWARD) + 1
    assert scores(root / "run")["linked.jpg"]["uri"] == f"{root}/photos/linked/linked.jpg"


def test_a_name_that_is_not_utf8_costs_itself_alone(scored_folder):
    root, summary = scored_folder
    text = summary.as_text()
    text.encode()
    assert summary.num_errors == 1
    assert f"file://{root}/photos/caf%E9.jpg: cannot be read: the name is not UTF-8" in text


BEFORE = """file,lat,lng,city
a.jpg,abc,2,
two/same.jpg,,,Rome
gps.jpg,nan,nan,
"""
AFTER = """file,lat,lng,city
a.jpg,1.5,2,
two/same.jpg,48.8,2.3,Paris
one/same.jpg,,,Oslo
gone.jpg,1,2,Nice
b.jpg,,,Bern
"""


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """A run inside the folder of its pictures; then its labels are mended, and it runs again.

    Gives the folder of the pictures, and each run's summary and scores.
    """
    photos = tmp_path_factory.mktemp("story")
    for number, name in enumerate(("a.jpg", "b.jpg", "one/same.jpg")):
        drawn(photos / name, number)
    drawn(photos / "two" / "same.jpg", 2)
    shutil.copy(FOLDER / "with_gps.jpg", photos / "gps.jpg")
    runs = []
    for labels in (BEFORE, AFTER):
        (photos / "labels.csv").write_text(labels)
        summary = curate(recipe_of(photos / "run", photos))
        runs.append((summary, scores(photos / "run")))
    return photos, *runs


def test_a_run_inside_the_folder_of_its_pictures_never_curates_itself(story):
    photos, (first, _), (second, _) = story
    assert first.num_files == second.num_files == 5
    assert second.counts()["files_in_run_folders"] > 0
    assert f"left out: they lie in the folder of a run:\n  {photos}/run: " in second.as_text()


def test_a_bad_cell_is_an_error_of_its_row_until_it_is_mended(story):
    photos, (first, before), (second, after) = story
    assert first.errors_by_kind == {"bad entry": 1}
    assert f"{photos}/labels.csv, row 2: latitude 'abc' is not a number" in first.as_text()
    assert before["a.jpg"]["locatability"] is None
    assert second.num_errors == 0
    assert after["a.jpg"]["latitude"] == 1.5
    assert after["a.jpg"]["locatability"] is not None


def test_nan_coordinates_leave_the_position_of_exif(story):
    _, (_, before), _ = story
    assert before["gps.jpg"]["latitude"] == pytest.approx(-33.449)


def test_labels_that_come_later_are_taken_up_without_scoring_again(story):
    _, (_, before), (second, after) = story
    assert (before["b.jpg"]["city"], after["b.jpg"]["city"]) == (None, "Bern")
    assert after["b.jpg"]["locatability"] == before["b.jpg"]["locatability"]
    assert not second.finished_before


def test_rows_of_labels_without_a_file_are_in_the_summary_and_the_manifest(story):
    photos, _, (second, _) = story
    counts = json.loads((photos / "run" / "manifest.json").read_text())["counts"]
    assert counts["label_rows_without_file"] == 1
    assert f"{photos}/labels.csv, row 5: gone.jpg" in second.as_text()


def test_copies_share_their_labels_and_contradictions_are_named(story):
    photos, (_, before), (second, after) = story
    assert before["same.jpg"]["uri"] == f"{photos}/one/same.jpg"
    assert before["same.jpg"]["city"] == "Rome"
    assert (after["same.jpg"]["city"], after["same.jpg"]["latitude"]) == ("Oslo", 48.8)
    assert "same.jpg are one picture: city Oslo against Paris" in second.as_text()


def test_a_run_of_the_same_labels_has_nothing_to_do_and_a_selection_keeps_the_remarks(story):
    photos, _, (second, _) = story
    again = curate(recipe_of(photos / "run", photos))
    assert again.finished_before
    grown = {"files_in_run_folders": again.counts()["files_in_run_folders"]}  # by its examples
    assert again.counts() == second.counts() | grown
    assert reselect(photos / "run", 0.1).remarks == second.remarks
