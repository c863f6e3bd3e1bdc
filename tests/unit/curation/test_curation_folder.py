import json

import pyarrow.parquet as pq
import pytest

from georay.core.tables import SCORES, rows_to_table
from georay.curation.run_folder import RunFolder


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "run")


def write_scores(path, *names):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"image_id": name, "uri": f"{name}.jpg", "copies": 1} for name in names]
    pq.write_table(rows_to_table(rows, SCORES), path)


def test_half_written_score_files_are_dropped_and_whole_ones_kept(folder):
    folder.parts.mkdir(parents=True)
    for name in ("a.parquet", "b.123.partial"):
        (folder.parts / name).write_text("x")
    with folder.locked():
        assert [path.name for path in folder.score_files()] == ["a.parquet"]
        assert [path.name for path in folder.parts.iterdir()] == ["a.parquet"]


def test_what_a_crash_left_of_a_publication_is_ended_when_the_folder_is_held(folder):
    (folder.root / ".ready" / "scores").mkdir(parents=True)
    (folder.root / ".filling").mkdir()
    with folder.locked():
        assert folder.scores.is_dir()
        assert [path.name for path in folder.root.iterdir() if path.is_dir()] == ["scores"]


@pytest.mark.parametrize("keep", [0, 4, 200, -4])
def test_score_files_with_a_broken_end_are_set_aside_and_named(folder, keep):
    whole, broken = folder.parts / "a.parquet", folder.parts / "b.parquet"
    write_scores(whole, "a")
    write_scores(broken, "b")
    broken.write_bytes(broken.read_bytes()[:keep])
    (note,) = folder.set_damaged_aside()
    assert "parts/b.parquet is damaged" in note
    assert folder.score_files() == [whole]
    assert folder.set_damaged_aside() == []


def test_score_files_whose_rows_are_gone_between_head_and_footer_are_set_aside(folder):
    file = folder.scores / "part-00000.parquet"
    write_scores(file, *(f"picture {n}" for n in range(500)))
    raw = bytearray(file.read_bytes())
    raw[4:400] = bytes(396)
    file.write_bytes(raw)
    assert folder.set_damaged_aside()
    assert folder.score_files() == []


@pytest.mark.parametrize("content", [None, "", "{"])
def test_rows_without_their_settings_are_not_gone_on_with(folder, content):
    if content is not None:
        folder.root.mkdir()
        folder.settings.write_text(content)
    assert folder.read_settings() == {}
    write_scores(folder.parts / "a.parquet", "a")
    with pytest.raises(ValueError, match=r"nothing says with which settings .* choose another"):
        folder.read_settings()
    folder.settings.write_text(json.dumps({"weights": "w"}))
    assert folder.read_settings() == {"weights": "w"}


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_a_damaged_manifest_is_none(folder, content):
    folder.root.mkdir()
    folder.manifest.write_text(content)
    assert folder.read_manifest() is None
