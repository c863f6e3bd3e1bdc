"""The verb `collect`: its help teaches, and what it needs it says before any request."""

import json

import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from georay.cli.app import app
from georay.core.tables import POINTS, rows_to_table

POINT = {"point_id": "p1", "latitude": 48.0, "longitude": 2.0}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The verb with a recipe of one point; settings are laid over it."""
    monkeypatch.delenv("GOOGLE_MAPS_API_KEY", raising=False)

    def invoke(*arguments, rows=(POINT,), **settings):
        pq.write_table(rows_to_table(list(rows), POINTS), tmp_path / "points.parquet")
        recipe = {
            "points": str(tmp_path / "points.parquet"),
            "output": str(tmp_path / "out"),
            "provider": {"name": "panoramax"},
            **settings,
        }
        (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
        return CliRunner().invoke(app, ["collect", str(tmp_path / "recipe.yaml"), *arguments])

    return invoke


def test_help_teaches():
    text = CliRunner().invoke(app, ["collect", "--help"]).output
    for word in ("GOOGLE_MAPS_API_KEY", "--dry-run", "labels.csv", "Example", "panoramax"):
        assert word in text


def test_a_dry_run_tells_and_writes_nothing(run, tmp_path):
    told = run("--dry-run")
    assert told.exit_code == 0
    assert "1 points to ask about" in told.output and "terms:" in told.output
    assert json.loads(run("--dry-run", "--json").output)["num_pictures"] == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"provider": {"name": "google"}}, "i_may_store_pictures: true"),
        (
            {"provider": {"name": "google", "i_may_store_pictures": True}},
            "set GOOGLE_MAPS_API_KEY",
        ),
        ({"points": "/nowhere.parquet"}, "cannot read the points"),
        ({"points_": 1}, "points_"),
        ({"provider": {"name": "bing"}}, "provider"),
        ({"quota": {"day_zone": "Mars"}}, "no time zone"),
    ],
)
def test_what_is_wrong_is_said_first(run, settings, message):
    result = run("--dry-run", **settings)
    assert result.exit_code != 0
    assert message in str(result.exception)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([POINT, POINT], "two points of one point_id"),
        ([POINT | {"point_id": "../x"}], "cannot name a file"),
    ],
)
def test_points_that_cannot_be_told_apart_are_refused(run, rows, message):
    result = run("--dry-run", rows=rows)
    assert message in str(result.exception)
