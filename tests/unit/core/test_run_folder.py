import errno
import json

import pytest
from storage_server import serving_bucket

from georay.core.paths import StoragePath, path_of
from georay.core.run_folder import (
    are_whole,
    fingerprints,
    finish_publishing,
    hold_to,
    manifest_of,
    new_folder,
    publishing,
    read_facts,
)


@pytest.fixture(scope="module")
def bucket():
    with serving_bucket() as served:
        yield served


@pytest.fixture
def stored(bucket, request):
    """A folder of a real S3 server, empty."""
    return path_of(bucket.uri(request.node.name))


def fill(root, text):
    """A table in a folder, a page, and the facts that describe them, all of one edition."""
    for name in ("table/part.parquet", "page.html", "facts.json"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def fill_stored(root, text):
    for name in ("table/part.parquet", "page.html", "facts.json"):
        (root / name).write_bytes(text.encode())


def edition(root):
    found = {(root / name).read_text() for name in ("table/part.parquet", "page.html")}
    found.add((root / "facts.json").read_text())
    return found


def hidden(root):
    return sorted(path.name for path in root.iterdir() if path.name.startswith("."))


def test_everything_published_together_changes_together(tmp_path):
    fill(tmp_path, "old")
    with publishing(tmp_path) as fresh:
        fill(fresh, "new")
        assert edition(tmp_path) == {"old"}
    assert edition(tmp_path) == {"new"}
    assert hidden(tmp_path) == []


def test_a_publication_that_fails_changes_nothing_and_gives_its_room_back(tmp_path):
    fill(tmp_path, "old")
    with pytest.raises(OSError, match="no room"), publishing(tmp_path) as fresh:
        (fresh / "page.html").write_text("half")
        raise OSError(errno.ENOSPC, "no room")
    assert edition(tmp_path) == {"old"}
    assert hidden(tmp_path) == []


def test_everything_published_together_in_a_storage_changes_together(stored):
    fill_stored(stored, "old")
    (stored / "table" / "stale.parquet").write_bytes(b"of the old edition")
    (stored / "other.txt").write_bytes(b"of nobody here")
    with publishing(stored) as fresh:
        fill_stored(fresh, "new")
        assert edition(stored) == {"old"}
    assert edition(stored) == {"new"}
    names = [stored.relative_name(file) for file in stored.files()]
    assert names == ["facts.json", "other.txt", "page.html", "table/part.parquet"]


def test_a_publication_that_fails_leaves_a_storage_as_it_was(stored):
    fill_stored(stored, "old")
    with pytest.raises(RuntimeError), publishing(stored) as fresh:
        (fresh / "page.html").write_bytes(b"half")
        raise RuntimeError
    assert edition(stored) == {"old"}
    assert len(stored.files()) == 3


@pytest.mark.parametrize("num_copies", range(4))
def test_a_publication_cut_short_between_copies_is_ended_by_the_next_writer(
    stored, monkeypatch, num_copies
):
    fill_stored(stored, "old")
    copied, whole = [], StoragePath.copy_to

    def copy_to(self, target):
        if len(copied) == num_copies:
            raise KeyboardInterrupt
        copied.append(target.name)
        whole(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(StoragePath, "copy_to", copy_to)
        patched.setattr("georay.core.run_folder.remove_tree", lambda folder: None)
        if num_copies < 3:
            with pytest.raises(KeyboardInterrupt), publishing(stored) as fresh:
                fill_stored(fresh, "new")
        else:
            with publishing(stored) as fresh:
                fill_stored(fresh, "new")
    assert copied[2:] in ([], ["facts.json"])
    finish_publishing(stored)
    assert edition(stored) == {"new"}
    assert len(stored.files()) == 3


@pytest.mark.parametrize("num_renames", range(5))
def test_a_publication_cut_short_between_renames_is_ended_by_the_next_writer(
    tmp_path, monkeypatch, num_renames
):
    """Every rename of a publication is once the last one before the process is gone."""
    fill(tmp_path, "old")
    path_type, done = type(tmp_path), []
    whole = path_type.rename

    def rename(self, target):
        if len(done) == num_renames:
            raise KeyboardInterrupt
        done.append(target)
        return whole(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(path_type, "rename", rename)
        with pytest.raises(KeyboardInterrupt), publishing(tmp_path) as fresh:
            fill(fresh, "new")
    finish_publishing(tmp_path)
    assert edition(tmp_path) == ({"new"} if num_renames else {"old"})
    assert hidden(tmp_path) == []


def test_the_facts_are_put_in_place_last(tmp_path, monkeypatch):
    moved = []
    path_type = type(tmp_path)
    whole = path_type.rename
    monkeypatch.setattr(
        path_type, "rename", lambda self, to: (moved.append(to.name), whole(self, to))[1]
    )
    with publishing(tmp_path) as fresh:
        fill(fresh, "new")
    assert moved[-1] == "facts.json"


def test_a_new_folder_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "scenes"
    with pytest.raises(RuntimeError), new_folder(target) as fresh:
        (fresh / "half").write_text("x")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with new_folder(target) as fresh:
        (fresh / "whole").write_text("x")
        assert not target.exists()
    assert [path.name for path in target.iterdir()] == ["whole"]
    with pytest.raises(ValueError, match="not empty"), new_folder(target):
        pass


def test_files_are_believed_only_as_they_were_published(tmp_path):
    fill(tmp_path, "new")
    told = fingerprints(tmp_path, [tmp_path / "page.html", tmp_path / "table" / "part.parquet"])
    assert sorted(told) == ["page.html", "table/part.parquet"]
    assert are_whole(tmp_path, told)
    (tmp_path / "page.html").write_text("ne")
    assert not are_whole(tmp_path, told)
    (tmp_path / "page.html").unlink()
    assert not are_whole(tmp_path, told)
    assert not are_whole(tmp_path, None)
    assert not are_whole(tmp_path, {})


@pytest.mark.parametrize("content", ["", '{"a": ', "[1]", "\0\0\0"])
def test_damaged_facts_are_named_and_absent_ones_are_none(tmp_path, content):
    path = tmp_path / "facts.json"
    assert read_facts(path) is None
    path.write_text(content)
    with pytest.raises(ValueError, match=r"facts\.json is damaged"):
        read_facts(path)


def test_a_folder_is_held_to_the_settings_that_it_began_with(tmp_path, stored):
    for root in (tmp_path, stored):
        kept = root / "settings.json"
        for _ in range(2):
            hold_to(kept, read_facts(kept), {"seed": 1, "size": [3, 4]}, "a run")
        with pytest.raises(ValueError, match="holds a run with other settings") as told:
            hold_to(kept, read_facts(kept), {"seed": 2, "size": [3, 4]}, "a run")
        assert "(seed was 1, is 2)" in str(told.value)
        assert "choose another output" in str(told.value)
        assert read_facts(kept) == {"seed": 1, "size": [3, 4]}


def test_what_a_storage_holds_is_believed_only_as_it_was_published(stored):
    fill_stored(stored, "new")
    told = fingerprints(stored, [stored / "page.html", stored / "table" / "part.parquet"])
    assert sorted(told) == ["page.html", "table/part.parquet"]
    assert are_whole(stored, told)
    (stored / "page.html").write_bytes(b"ne")
    assert not are_whole(stored, told)
    (stored / "page.html").unlink()
    assert not are_whole(stored, told)
    assert read_facts(stored / "absent.json") is None


def test_a_manifest_says_what_was_run_where_when_and_with_which_versions():
    manifest = manifest_of("training", {"seed": 1}, {"counts": 3}, ("numpy",))
    assert (manifest["kind"], manifest["recipe"], manifest["counts"]) == (
        "training",
        {"seed": 1},
        3,
    )
    assert set(manifest["versions"]) == {"python", "numpy"}
    assert manifest["finished_at"].endswith("+00:00")
    assert manifest["machine"]["cores"] >= 1
    assert manifest["recipe_hash"] != manifest_of("training", {"seed": 2}, {})["recipe_hash"]
    json.dumps(manifest)
