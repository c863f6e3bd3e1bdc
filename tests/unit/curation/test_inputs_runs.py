"""What georay wrote itself is never curated, wherever it lies among the pictures."""

import pytest
from inputs_room import listed, remarks, rows, touch

CURATION = ("settings.json", "weights.json", "report.html", "examples/1.jpg", "examples/1.png",
            "scores/part.parquet")  # fmt: skip
OF_VERBS = {
    "half a curation": CURATION,
    "a curation": (*CURATION, "manifest.json", "recipe.yaml"),
    "half a training": ("settings.json", "recipe.yaml", "report.html", "steps/loss.png"),
    "samples": ("samples.json", "samples.yaml", "samples/part.parquet", "x.jpg"),
    "a demo": ("scenes/labels.csv", "scenes/1.jpg", "curation/settings.json", "report.html"),
}


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    touch(folder / "a.jpg", folder / "deep" / "b.jpg")
    return folder


@pytest.mark.parametrize("verb", OF_VERBS)
@pytest.mark.parametrize("source", ["{}", "{}/**/*.*"])
def test_the_folder_of_any_run_is_left_out_and_said(photos, verb, source):
    touch(*(photos / "deep" / "my run" / name for name in OF_VERBS[verb]))
    listing = listed(source.format(photos))
    assert list(rows(listing, photos)) == ["a.jpg", "deep/b.jpg"]
    count, named = remarks(listing)["files_in_run_folders"]
    assert count >= 1
    assert named == f"{photos}/deep/my run: {count}"


def test_the_run_that_asks_leaves_itself_out_before_it_has_written_anything_else(photos):
    touch(photos / "run" / "leftover.jpg")
    assert list(rows(listed(photos, output=photos / "run"), photos)) == ["a.jpg", "deep/b.jpg"]
    linked = photos.parent / "linked"
    linked.symlink_to(photos)
    assert len(rows(listed(linked, output=photos / "run"), linked)) == 2


def test_a_run_that_writes_into_the_folder_of_its_pictures_leaves_its_own_files_out(photos):
    touch(*(photos / name for name in CURATION))
    listing = listed(photos, output=photos)
    assert list(rows(listing, photos)) == ["a.jpg", "deep/b.jpg"]
    assert remarks(listing)["files_in_run_folders"][0] == 2  # a page is no picture by its name


def test_pictures_in_the_folder_of_a_run_that_are_asked_for_are_read(photos):
    touch(*(photos / "run" / name for name in CURATION))
    assert len(rows(listed(photos / "run" / "examples"), photos)) == 2


def test_the_labels_in_a_folder_of_a_run_are_not_those_of_the_pictures(photos):
    touch(*(photos / "run" / name for name in OF_VERBS["a demo"]))
    (photos / "run" / "scenes" / "labels.csv").write_text("file,city\n../../a.jpg,Paris\n")
    assert rows(listed(photos), photos)["a.jpg"]["city"] is None
