"""Many small score files become few, and no row is lost or counted twice however it is cut."""

import pytest

from georay.core import paths
from georay.core.manifest import write_table
from georay.core.paths import files_in, open_parquet, path_of
from georay.core.tables import INPUTS, SCORES, rows_to_table
from georay.curation import gathering
from georay.curation.collapse import collapse, remaining
from georay.curation.gathering import Gathering, gather

NUM_BLOCKS, ROWS = 7, 3


@pytest.fixture(params=["disk", "storage"])
def parts(request, tmp_path):
    if request.param == "disk":
        return tmp_path / "parts"
    return path_of(f"memory://{request.node.originalname}/parts")


def names(block):
    return [f"s3://nowhere/{block}-{row}.jpg" for row in range(ROWS)]


def write_block(parts, block):
    rows = [{"image_id": uri, "uri": uri, "copies": 1, "locatability": 0.5} for uri in names(block)]
    write_table(parts / f"block-{block}.parquet", rows_to_table(rows, SCORES))


def uris(parts):
    return sorted(
        uri for file in files_in(parts) for uri in open_parquet(file).read()["uri"].to_pylist()
    )


ALL = sorted(uri for block in range(NUM_BLOCKS) for uri in names(block))


def test_files_are_gathered_as_scoring_goes_on(parts, monkeypatch):
    monkeypatch.setattr(gathering, "MOST_FILES", 3)
    counting, most = Gathering(parts), 0
    for block in range(NUM_BLOCKS):
        write_block(parts, block)
        counting.count_block()
        most = max(most, len(files_in(parts)))
    assert most == 3  # one that was gathered, and two blocks
    assert len(files_in(parts)) == 3
    assert uris(parts) == ALL


def test_gathering_that_a_kill_cut_short_loses_and_doubles_no_row(parts, tmp_path, monkeypatch):
    for block in range(NUM_BLOCKS):
        write_block(parts, block)
    kind = type(parts)
    whole, removed = kind.unlink, []

    def unlink(self, missing_ok=False):
        if len(removed) == 2:
            raise KeyboardInterrupt
        removed.append(self.name)
        whole(self, missing_ok=missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(kind, "unlink", unlink)
        with pytest.raises(KeyboardInterrupt):
            gather(parts)
    inputs = rows_to_table([{"uri": uri} for uri in ALL], INPUTS)
    assert len(uris(parts)) > len(ALL)
    assert remaining(inputs, files_in(parts)).num_rows == 0
    (tmp_path / "scores").mkdir()
    collapse(files_in(parts), tmp_path / "scores", inputs)
    assert uris(tmp_path / "scores") == ALL


def test_a_gathered_file_that_cannot_be_written_leaves_the_blocks(parts, monkeypatch):
    for block in range(NUM_BLOCKS):
        write_block(parts, block)

    def fail(*_):
        raise OSError("no room")

    monkeypatch.setattr(paths, "rename", fail)
    with pytest.raises(OSError, match="no room"):
        gather(parts)
    blocks = [file for file in files_in(parts) if not file.name.startswith(".")]
    assert len(blocks) == NUM_BLOCKS
