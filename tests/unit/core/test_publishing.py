import errno
import fcntl
import subprocess
import sys

import pytest

from georay.core.publishing import (
    are_whole,
    fingerprints,
    finish_publishing,
    new_folder,
    only_writer,
    publishing,
    read_facts,
)


def fill(root, text):
    """A table in a folder, a page, and the facts that describe them, all of one edition."""
    for name in ("table/part.parquet", "page.html", "facts.json"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


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


ENTER = """
import sys
from pathlib import Path
from georay.core.publishing import only_writer
with only_writer(Path(sys.argv[1])):
    print("inside")
"""


def enter_from_another_process(folder):
    command = [sys.executable, "-c", ENTER, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_second_writer_is_refused_until_the_first_is_done(tmp_path):
    with only_writer(tmp_path):
        refused = enter_from_another_process(tmp_path)
    assert refused.returncode == 1
    assert "another run is writing to" in refused.stderr
    assert enter_from_another_process(tmp_path).stdout == "inside\n"


@pytest.mark.parametrize(
    "number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.EIO]
)
def test_a_lock_that_the_file_system_refuses_is_not_called_another_run(
    tmp_path, monkeypatch, number
):
    def refuse(file, flags):
        raise OSError(number, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(ValueError, match="does not lock files") as told, only_writer(tmp_path):
        pass
    assert "No locks available" in str(told.value)
    assert "another run" not in str(told.value)
    assert "choose an --out" in str(told.value)


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
