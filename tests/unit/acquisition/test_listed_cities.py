"""A table of cities becomes the areas of a recipe of points."""

import pyarrow.parquet as pq
import pytest
from drawn_roads import road, write_extract
from typer.testing import CliRunner

from georay.acquisition.cities import choose_cities
from georay.acquisition.roads.listed import listed_cities
from georay.acquisition.table_files import ACKNOWLEDGED, write_table
from georay.cli.app import app


@pytest.fixture(params=["cities.csv", "cities.parquet"])
def table(request, tmp_path):
    path = tmp_path / request.param
    write_table(choose_cities(countries={"BR", "NA"}, count=2), path, ACKNOWLEDGED["cities"])
    return path


def invoke(*arguments):
    return CliRunner().invoke(app, ["points", *map(str, arguments)])


def test_each_city_is_a_circle_in_the_one_extract(table, tmp_path):
    extract = tmp_path / "all.osm.pbf"
    first, second = listed_cities(table, extract, 3.0)
    assert first == {
        "extract": str(extract),
        "city": "São Paulo",
        "country": "BR",
        "around": [pytest.approx(-23.5475), pytest.approx(-46.63611)],
        "radius_km": 3.0,
    }
    assert second["city"] == "Rio de Janeiro"


def test_a_folder_has_an_extract_called_after_each_city(table, tmp_path):
    folder = tmp_path / "extracts"
    folder.mkdir()
    (folder / "sao_paulo.osm.pbf").touch()
    with pytest.raises(ValueError, match=r"after Rio de Janeiro, such as rio-de-janeiro\.osm"):
        listed_cities(table, folder, 3.0)
    (folder / "Rio-de-Janeiro.osm.gz").touch()
    found = [city["extract"] for city in listed_cities(table, folder, 3.0)]
    assert found == [str(folder / "sao_paulo.osm.pbf"), str(folder / "Rio-de-Janeiro.osm.gz")]


def test_the_code_of_namibia_is_no_absent_value(tmp_path):
    path = tmp_path / "cities.csv"
    path.write_text("city,country,latitude,longitude\nWindhoek,NA,-22.56,17.08\n")
    assert listed_cities(path, tmp_path / "all.osm", 1.0)[0]["country"] == "NA"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("c.txt", "", "ends in .csv or .parquet"),
        ("c.csv", "city,country\nOslo,NO\n", "no column latitude, longitude"),
        ("c.csv", "city,country,latitude,longitude\n", "no city in it"),
        ("c.csv", "city,country,latitude,longitude\nOslo,NO,,\n", "no coordinates of Oslo"),
        ("c.csv", "city,country,latitude,longitude\nOslo,NO,north,1\n", "cannot read the cities"),
        ("gone.parquet", None, "make them with `georay cities --out`"),
    ],
)
def test_a_table_that_cannot_be_used_is_said(tmp_path, name, content, says):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=says):
        listed_cities(tmp_path / name, tmp_path / "all.osm", 1.0)


def test_the_verb_takes_a_table_of_cities(tmp_path):
    extract = write_extract(tmp_path / "all.osm", [road((-1500, 0), (1500, 0))])
    cities, out = tmp_path / "cities.csv", tmp_path / "points.parquet"
    cities.write_text("city,country,latitude,longitude\nDrawn,NG,10.0,20.0\n")
    given = [extract, "--cities", cities, "--interval", 500, "--out", out]
    assert "needs --radius" in str(invoke(*given).exception)
    done = invoke(*given, "--radius", 1)
    assert done.exit_code == 0, done.output
    rows = pq.read_table(out).to_pylist()
    assert {(row["city"], row["country"]) for row in rows} == {("Drawn", "NG")}
    assert max(abs(row["longitude"] - 20.0) for row in rows) < 0.0095  # within the circle


@pytest.mark.parametrize("other", [["--city", "Oslo"], ["--around", "1,2"]])
def test_a_table_and_an_area_exclude_each_other(tmp_path, other):
    run = invoke("all.osm", "--cities", "c.csv", "--radius", 1, "--out", "p.csv", *other)
    assert f"leave out {other[0][2:]}, or --cities" in str(run.exception)
