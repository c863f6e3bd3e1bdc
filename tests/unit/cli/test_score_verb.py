import json
import shutil

import pytest
from make_bad_images import FOLDER
from typer.testing import CliRunner

from georay.cli.app import app


@pytest.fixture
def pictures(tmp_path):
    """A picture, one that is none, one that is absent, and another picture."""
    shutil.copy(FOLDER / "cmyk.jpg", tmp_path / "a.jpg")
    (tmp_path / "bad.jpg").write_text("no picture")
    shutil.copy(FOLDER / "with_gps.jpg", tmp_path / "b.jpg")
    return [str(tmp_path / name) for name in ("a.jpg", "bad.jpg", "absent.jpg", "b.jpg")]


def test_pictures_beside_a_bad_one_keep_their_scores_and_the_bad_one_is_named(pictures):
    done = CliRunner().invoke(app, ["score", *pictures])
    assert done.output.count("adds") == 2
    assert isinstance(done.exception, ValueError)
    told = str(done.exception)
    assert "2 of 4 pictures got no score" in told
    assert f"{pictures[1]}: none of JPEG" in told
    assert f"{pictures[2]}: No such file" in told


def test_scores_as_json_name_the_bad_ones_too(pictures):
    done = CliRunner().invoke(app, ["score", "--json", *pictures])
    rows = json.loads(done.stdout)
    assert [row["file"] for row in rows] == pictures
    assert ["locatability" in row for row in rows] == [True, False, False, True]
    assert rows[1]["error"] and rows[2]["error"] == "No such file or directory"
    assert done.exit_code != 0
