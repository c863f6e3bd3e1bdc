import subprocess
import sys

import pytest

from georay.curation.run_folder import RunFolder, replace_folder


def fill(folder, content):
    folder.mkdir(parents=True)
    (folder / "part.parquet").write_text(content)


def content(folder):
    return (folder / "part.parquet").read_text()


def leftovers(folder):
    return [p.name for p in folder.root.iterdir() if p.name.startswith(".scores")]


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "run")


def test_a_replaced_folder_changes_as_a_whole(folder):
    fill(folder.scores, "old")
    with replace_folder(folder.scores) as fresh:
        (fresh / "part.parquet").write_text("new")
        assert content(folder.scores) == "old"
    assert content(folder.scores) == "new"
    assert leftovers(folder) == []


def test_a_folder_whose_filling_fails_stays_as_it_was(folder):
    fill(folder.scores, "old")
    with pytest.raises(RuntimeError), replace_folder(folder.scores) as fresh:
        (fresh / "part.parquet").write_text("half")
        raise RuntimeError("disk full")
    assert content(folder.scores) == "old"
    with replace_folder(folder.scores) as fresh:
        assert list(fresh.iterdir()) == []


CRASHES = {
    "while filling": ({"scores": "old", ".scores.filling": "half"}, "old"),
    "before the old one moved": ({"scores": "old", ".scores.new": "new"}, "old"),
    "between the renames": ({".scores.old": "old", ".scores.new": "new"}, "new"),
    "before the old one was removed": ({"scores": "new", ".scores.old": "old"}, "new"),
    "at the first publication": ({".scores.new": "new"}, "new"),
}


@pytest.mark.parametrize("crash", CRASHES)
def test_a_crash_leaves_one_whole_folder(folder, crash):
    found, expected = CRASHES[crash]
    for name, text in found.items():
        fill(folder.root / name, text)
    with folder.locked():
        assert content(folder.scores) == expected
        with replace_folder(folder.scores) as fresh:
            (fresh / "part.parquet").write_text("next")
    assert content(folder.scores) == "next"
    assert leftovers(folder) == []


def test_half_written_score_files_are_dropped_and_whole_ones_kept(folder):
    folder.parts.mkdir(parents=True)
    for name in ("a.parquet", "b.123.partial"):
        (folder.parts / name).write_text("x")
    with folder.locked():
        assert [path.name for path in folder.score_files()] == ["a.parquet"]
        assert [path.name for path in folder.parts.iterdir()] == ["a.parquet"]


ENTER = """
import sys
from pathlib import Path
from georay.curation.run_folder import RunFolder
with RunFolder(Path(sys.argv[1])).locked():
    print("inside")
"""


def enter_from_another_process(folder):
    command = [sys.executable, "-c", ENTER, str(folder.root)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_second_writer_is_refused_until_the_first_is_done(folder):
    with folder.locked():
        refused = enter_from_another_process(folder)
    assert refused.returncode == 1
    assert "another run is writing to" in refused.stderr
    assert enter_from_another_process(folder).stdout == "inside\n"
