"""Points of several cities at once on a real Ray; one that fails costs no other."""

import pyarrow.parquet as pq
import pytest

from georay.acquisition.roads.make_points import make_points
from georay.config.load import parse_recipe
from georay.config.points import PointsRecipe

pytestmark = pytest.mark.usefixtures("cluster")


def _extract(path, latitude):
    nodes = "".join(f"<node id='{n}' lat='{latitude}' lon='{n / 100}'/>" for n in (1, 2, 3))
    way = "<way id='9'><nd ref='1'/><nd ref='2'/><nd ref='3'/><tag k='highway' v='primary'/></way>"
    path.write_text(f"<osm version='0.6'>{nodes}{way}</osm>")
    return str(path)


@pytest.fixture
def recipe(tmp_path):
    broken = tmp_path / "broken.osm"
    broken.write_text("<osm")
    cities = [
        {"extract": _extract(tmp_path / "north.osm", 50.0), "city": "North", **_around(50.0)},
        {"extract": str(broken)},
        {"extract": _extract(tmp_path / "south.osm", -30.0), "city": "South", **_around(-30.0)},
        {"extract": str(tmp_path / "north.osm"), "city": "Again", **_around(50.0)},
    ]
    content = {
        "output": str(tmp_path / "out" / "points.parquet"),
        "cities": cities,
        "interval_m": 500,
        "cluster": {"num_cpus": 2},
    }
    return parse_recipe(content, PointsRecipe, "test")


def _around(latitude):
    return {"around": [latitude, 0.02], "radius_km": 10}


def test_cities_are_sampled_on_ray_and_a_broken_one_is_named(recipe, tmp_path):
    summary = make_points(recipe)
    table = pq.read_table(summary.output)
    assert set(table["city"].to_pylist()) == {"North", "South"}
    assert [outcome.title for outcome in summary.failures] == ["broken"]
    assert "Download it again" in summary.failures[0].error
    assert (
        summary.num_repeated
        == table.filter([c == "North" for c in table["city"].to_pylist()]).num_rows
    )
    assert "broken: failed" in summary.as_text() and "an earlier city has them" in summary.as_text()
    assert {path.name for path in (tmp_path / "out" / "points.cities").glob("*.svg")} == {
        "north.svg", "south.svg", "again.svg",
    }  # fmt: skip
    again = make_points(recipe)
    assert again.num_finished_before == 3
    assert pq.read_table(summary.output).equals(table)
