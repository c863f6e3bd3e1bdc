"""A run of points: files that it leaves, going on where it stopped, choosing, and its faults."""

import csv
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from drawn_roads import points_of, road, write_extract

from georay.acquisition.roads import make_points as run_module
from georay.acquisition.roads.city import choose
from georay.acquisition.roads.make_points import make_points
from georay.config.load import load_recipe, parse_recipe
from georay.config.points import PointsRecipe
from georay.core import extras
from georay.core.manifest import write_atomic
from georay.core.paths import open_parquet, path_of
from georay.core.tables import POINTS


@pytest.fixture
def extract(tmp_path):
    ways = road((0, 0), (9000, 0), highway="primary", ref="N1"), road((0, 5000), (30, 5000))
    return write_extract(tmp_path / "town.osm", ways)


def recipe(extract, out, interval=1000, **settings):
    content = {"output": str(out), "cities": [{"extract": str(extract)}], "interval_m": interval}
    return parse_recipe(content | settings, PointsRecipe, "test")


def test_one_table_in_three_forms(extract, tmp_path):
    for name in ("p.parquet", "q.csv", "r.geojson"):
        assert make_points(recipe(extract, tmp_path / name)).num_points == 10
    table = pq.read_table(tmp_path / "p.parquet")
    assert table.schema.equals(POINTS)
    assert table.schema.metadata[b"attribution"].decode() == "© OpenStreetMap contributors"
    rows = table.to_pylist()
    with (tmp_path / "q.csv").open(newline="", encoding="utf-8") as file:
        written = list(csv.DictReader(file))
    assert [row["point_id"] for row in written] == [row["point_id"] for row in rows]
    assert float(written[3]["latitude"]) == rows[3]["latitude"]
    features = json.loads((tmp_path / "r.geojson").read_text(encoding="utf-8"))["features"]
    assert [f["geometry"]["coordinates"] for f in features] == [
        [row["longitude"], row["latitude"]] for row in rows
    ]
    assert features[0]["properties"]["road_name"] == rows[0]["road_name"] == "N1"
    assert [row["placed"] for row in rows] == ["interval"] * 9 + ["gap"]


def test_the_picture_shows_every_point(extract, tmp_path):
    make_points(recipe(extract, tmp_path / "p.parquet", count=4))
    picture = ElementTree.parse(tmp_path / "p.cities" / "town.svg")
    dots = picture.findall("{http://www.w3.org/2000/svg}circle")
    assert len(dots) == 10
    assert sum(dot.get("fill") == "none" for dot in dots) == 6
    assert "4 of 10 points, every 1,000 m" in "".join(picture.getroot().itertext())


def test_the_manifest_states_settings_counts_and_licence(extract, tmp_path):
    make_points(recipe(extract, tmp_path / "p.parquet"))
    manifest = json.loads((tmp_path / "p.json").read_text(encoding="utf-8"))
    assert manifest["recipe"]["interval_m"] == 1000
    assert manifest["licence"] == "ODbL 1.0"
    (outcome,) = manifest["outcomes"]
    assert outcome["facts"]["num_in_gaps"] == 1
    assert outcome["facts"]["road_km"] == pytest.approx(9.03, abs=0.01)


def test_a_finished_city_is_not_done_again_until_something_changes(extract, tmp_path, monkeypatch):
    done = []
    really = run_module.sample_to_files

    def count(task, on_read):
        done.append(task.title)
        return really(task, on_read)

    monkeypatch.setattr(run_module, "sample_to_files", count)
    out = tmp_path / "p.parquet"
    first = make_points(recipe(extract, out))
    again = make_points(recipe(extract, out))
    assert len(done) == 1 and again.num_finished_before == 1
    assert again.num_points == first.num_points
    make_points(recipe(extract, out, interval=500))
    assert len(done) == 2
    extract.write_text(extract.read_text().replace("N1", "N2"))
    make_points(recipe(extract, out, interval=500))
    assert len(done) == 3 and pq.read_table(out)["road_name"][0].as_py() == "N2"
    (tmp_path / "p.cities" / "town.svg").unlink()  # stopped before it was written
    make_points(recipe(extract, out, interval=500))
    assert len(done) == 4


def test_as_many_points_as_wanted_are_chosen_by_seed_whatever_their_order(extract):
    points = points_of(extract, 100)
    ids = {count: set(choose(points, count, 0)[0]["point_id"].to_pylist()) for count in (10, 20)}
    assert len(ids[10]) == 10 and ids[10] < ids[20]
    backward = points.take(list(range(points.num_rows))[::-1])
    assert set(choose(backward, 10, 0)[0]["point_id"].to_pylist()) == ids[10]
    assert set(choose(points, 10, 1)[0]["point_id"].to_pylist()) != ids[10]
    chosen, left_out = choose(points, 10, 0)
    assert chosen.num_rows + left_out.num_rows == points.num_rows
    assert choose(points, 1000, 0)[0].equals(points)


def test_a_point_has_the_same_id_in_every_run_and_no_other_has_it(extract):
    ids = points_of(extract, 100)["point_id"].to_pylist()
    assert ids == points_of(extract, 100)["point_id"].to_pylist()
    assert len(set(ids)) == len(ids)


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    extract, tmp_path, monkeypatch
):
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "osmium" else name)
    with pytest.raises(ValueError, match=r"osmium: pip install 'georay\[acquisition\]'"):
        make_points(recipe(extract, tmp_path / "p.parquet"))


@pytest.mark.parametrize(("name", "metres"), [("points-small", 500), ("paper/points", 4000)])
def test_the_recipes_of_the_repository_are_valid(name, metres, monkeypatch):
    monkeypatch.setenv("GEORAY_STORAGE", "/mnt/shared")
    recipes = Path(__file__).parents[3] / "jobs" / "recipes"
    assert load_recipe(recipes / f"{name}.yaml", PointsRecipe).interval_m == metres


def test_the_job_samples_a_recipe_and_says_which_city_failed(extract, tmp_path, capsys):
    from jobs.points import main

    cities = [{"extract": str(extract)}]
    content = {"output": str(tmp_path / "p.csv"), "cities": cities, "interval_m": 1000}
    (tmp_path / "points.yaml").write_text(json.dumps(content))
    main(tmp_path / "points.yaml")
    assert "town: 10 points, every 1,000 m" in capsys.readouterr().out
    extract.write_text("")
    with pytest.raises(SystemExit, match="is empty"):
        main(tmp_path / "points.yaml")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"output": "p.txt"}, "must end in .parquet, .csv, .geojson"),
        ({"interval_m": 0}, "interval_m"),
        ({"cities": []}, "cities"),
        ({"cities": [{"extract": "a.osm", "around": [1, 2]}]}, "radius_km belong together"),
        ({"cities": [{"extract": "s3://me:key@a/b.osm.pbf"}]}, "holds a secret"),
        (
            {"cities": [{"extract": "a", "around": [1, 2], "radius_km": 1, "boundary": "b"}]},
            "exclude each other",
        ),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(settings, message, extract, tmp_path):
    with pytest.raises(ValueError, match=message):
        recipe(extract, tmp_path / "p.parquet", **settings)


@pytest.mark.parametrize("other", ["p.parquet", "p.csv"])
def test_a_second_run_on_the_same_output_is_refused_while_the_first_goes_on(
    extract, tmp_path, monkeypatch, other
):
    really = run_module.sample_to_files
    refused = []

    def sample_while_another_asks(task, on_read):
        with pytest.raises(ValueError, match="another run is writing to") as problem:
            make_points(recipe(extract, tmp_path / other))
        refused.append(problem)
        return really(task, on_read)

    monkeypatch.setattr(run_module, "sample_to_files", sample_while_another_asks)
    assert make_points(recipe(extract, tmp_path / "p.parquet")).num_points == 10
    assert len(refused) == 1


def test_a_city_is_read_from_a_storage_and_its_points_are_written_to_one(extract, monkeypatch):
    monkeypatch.setenv("GEORAY_CACHE", str(extract.parent / "cache"))
    here = make_points(recipe(extract, extract.parent / "p.parquet"))
    away = path_of("memory://points-of-a-town")
    write_atomic(away / "town.osm", extract.read_bytes())
    asked = recipe(away / "town.osm", away / "p.parquet")
    made = make_points(asked)
    assert (made.num_points, made.num_finished_before) == (here.num_points, 0)
    found = open_parquet(away / "p.parquet").read()
    assert found.equals(pq.read_table(extract.parent / "p.parquet"))
    names = sorted(file.name for file in (away / "p.cities").files())
    assert names == ["town.json", "town.parquet", "town.svg"]
    assert make_points(asked).num_finished_before == 1
