"""`georay cities` and `georay points` as a user types them."""

import json

import pyarrow.parquet as pq
import pytest
from pyarrow import csv
from typer.testing import CliRunner

from georay.cli.app import app

NODES = "".join(f"<node id='{n}' lat='48.0' lon='{2 + n / 100}'/>" for n in range(1, 5))
ROADS = (
    f"<osm version='0.6'>{NODES}<way id='7'>"
    + "".join(f"<nd ref='{n}'/>" for n in range(1, 5))
    + "<tag k='highway' v='tertiary'/></way></osm>"
)


def invoke(*arguments: object):
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture
def extract(tmp_path):
    path = tmp_path / "small.osm"
    path.write_text(ROADS)
    return path


def test_cities_are_listed_and_written(tmp_path):
    done = invoke("cities", "--count", 72, "--out", tmp_path / "cities.csv")
    assert done.exit_code == 0, done.output
    assert "72 cities in 47 countries" in done.stdout
    assert csv.read_csv(tmp_path / "cities.csv").num_rows == 72
    said = json.loads(invoke("cities", "--country", "Japan", "--class", "alpha", "--json").stdout)
    assert [row["city"] for row in said["cities"]] == ["Tokyo"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--country", "Utopia"), "no country's name"),
        (("--class", "omega"), "choose of"),
        (("--class", "alpha++", "--country", "JP"), "loosen"),
        (("--out", "c.xlsx"), "must end in"),
    ],
)
def test_cities_that_cannot_be_are_refused(options, message):
    done = invoke("cities", *options)
    assert done.exit_code != 0 and message in done.output + str(done.exception)


def test_points_of_an_extract_are_written_and_counted(extract, tmp_path):
    out = tmp_path / "points.parquet"
    done = invoke("points", extract, "--interval", 500, "--count", 2, "--out", out)
    assert done.exit_code == 0, done.output
    assert "2 of 4 points, every 500 m" in done.stdout
    assert pq.read_table(out).num_rows == 2
    said = json.loads(
        invoke("points", extract, "--interval", 500, "--count", 2, "--out", out, "--json").stdout
    )
    assert said["num_points"] == 2 and said["num_finished_before"] == 1


def test_a_recipe_is_laid_under_the_options(extract, tmp_path):
    recipe = tmp_path / "points.yaml"
    recipe.write_text(f"output: {tmp_path}/a.csv\ncities: [{{extract: {extract}}}]\n")
    done = invoke("points", recipe, "--interval", 1000, "--out", tmp_path / "b.csv")
    assert done.exit_code == 0, done.output
    assert csv.read_csv(tmp_path / "b.csv").num_rows == 2
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "give EXTRACT and --out"),
        (("EXTRACT", "--out", "p.csv", "--around", "48;2", "--radius", 1), "LAT,LON"),
        (("EXTRACT", "--out", "p.csv", "--around", "48,2"), "belong together"),
        (("EXTRACT", "--out", "p.csv", "--city", "Nowhere"), "no boundary at all"),
        (("EXTRACT", "--out", "p.doc"), "must end in"),
        (("absent.osm", "--out", "p.csv"), "absent.osm"),
        (("EXTRACT", "--recipe", "r.yaml"), "leave out extract"),
    ],
)
def test_points_that_cannot_be_are_refused(options, message, extract, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = invoke("points", *(extract if word == "EXTRACT" else word for word in options))
    assert done.exit_code != 0
    assert message in done.output + str(done.exception)
