"""Reading roads and boundaries out of extracts: forms, faults, and what is drivable."""

import json

import osmium
import pytest
from drawn_roads import Relation, degrees, in_metres, points_of, road, write_extract

from georay.acquisition.roads import extract as extract_module
from georay.acquisition.roads.drivable import drivable_road

CENTRE = (10.0, 20.0)
SQUARE = [(-2000, -2000), (2000, -2000), (2000, 2000), (-2000, 2000), (-2000, -2000)]
LONG = road((-5000, 0), (5000, 0))


@pytest.fixture
def drawn(tmp_path):
    return write_extract(tmp_path / "drawn.osm", [LONG, road((0, -300), (0, 0), (0, 300))])


@pytest.mark.parametrize("suffix", [".osm.gz", ".osm.bz2", ".osm.pbf"])
def test_every_form_of_an_extract_gives_the_same_points(suffix, drawn, tmp_path):
    other = tmp_path / f"other{suffix}"
    with osmium.SimpleWriter(str(other)) as writer:
        for thing in osmium.FileProcessor(str(drawn)):
            writer.add(thing)
    assert points_of(other, 500).equals(points_of(drawn, 500))


def test_locations_on_disk_give_the_same_points(drawn, monkeypatch):
    in_memory = points_of(drawn, 500)
    monkeypatch.setattr(extract_module, "LARGE_BYTES", 0)
    assert points_of(drawn, 500).equals(in_memory)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.osm.pbf", None, "no OpenStreetMap extract"),
        ("empty.osm.pbf", b"", "is empty"),
        ("roads.zip", b"PK", "give one of .osm.pbf"),
        ("broken.osm.pbf", b"\x00\x00\x00\x0d\x0a\x09OSMHeader", "Download it again"),
        ("broken.osm", b"<osm><node id='1'", "Download it again"),
        ("void.osm", b"<osm version='0.6'></osm>", "no drivable road"),
        (
            "path.osm",
            b"<osm version='0.6'><node id='1' lat='1' lon='1'/><node id='2' lat='1' lon='1.1'/>"
            b"<way id='1'><nd ref='1'/><nd ref='2'/><tag k='highway' v='path'/></way></osm>",
            "no drivable road",
        ),
        (
            "unsorted.osm",
            b"<osm version='0.6'><way id='1'><nd ref='1'/><nd ref='2'/>"
            b"<tag k='highway' v='primary'/></way></osm>",
            "osmium sort",
        ),
    ],
)
def test_a_file_without_roads_is_refused_with_what_to_do(name, content, message, tmp_path):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        points_of(path, 500)


def test_a_truncated_extract_is_refused(shared, tmp_path):
    whole = shared("data/osm/monaco.osm.pbf").read_bytes()
    (tmp_path / "cut.osm.pbf").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="is it whole"):
        points_of(tmp_path / "cut.osm.pbf", 500)


def test_a_way_that_leaves_the_extract_keeps_the_part_that_is_there(drawn):
    text = drawn.read_text()
    drawn.write_text(
        text.replace('<nd ref="2"/></way>', "").replace(
            '<nd ref="1"/><nd ref="2"/>', '<nd ref="77"/><nd ref="1"/><nd ref="2"/><nd ref="78"/>'
        )
    )
    assert (-4750, 0) in in_metres(points_of(drawn, 500))


@pytest.mark.parametrize(
    ("tags", "drivable"),
    [
        ({"highway": "residential"}, True),
        ({"highway": "motorway_link"}, True),
        ({"highway": "footway"}, False),
        ({"highway": "service"}, False),
        ({"highway": "track"}, False),
        ({"highway": "construction"}, False),
        ({"building": "yes"}, False),
        ({"highway": "residential", "access": "private"}, False),
        ({"highway": "residential", "access": "no", "motor_vehicle": "yes"}, True),
        ({"highway": "residential", "motor_vehicle": "no"}, False),
        ({"highway": "residential", "access": "destination"}, True),
        ({"highway": "residential", "area": "yes"}, False),
    ],
)
def test_a_road_is_what_a_car_may_drive_on(tags, drivable):
    assert (drivable_road(1, tags) is not None) == drivable


def test_a_recipe_may_add_classes_of_roads(tmp_path):
    from georay.acquisition.roads.city import sample_city
    from georay.config.points import CityRecipe, PointsRecipe

    alley = write_extract(tmp_path / "r.osm", [road((0, 0), (1000, 0), highway="service")])
    city = CityRecipe(extract=str(alley))
    recipe = PointsRecipe(output="p.csv", cities=(city,), interval_m=500, road_classes=("service",))
    assert sample_city(city, recipe).points["road_class"].to_pylist() == ["service", "service"]


def square_at(ring, centre=CENTRE):
    return [list(place) for place in degrees(ring, *centre)]


INSIDE = [(-1500, 0), (-500, 0), (500, 0), (1500, 0)]


@pytest.mark.parametrize(
    "geojson",
    [
        lambda ring: {"type": "Polygon", "coordinates": [ring]},
        lambda ring: {"type": "MultiPolygon", "coordinates": [[ring]]},
        lambda ring: {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": {},
                    "geometry": {"type": "Polygon", "coordinates": [ring]},
                }
            ],
        },
    ],
    ids=["polygon", "multipolygon", "collection"],
)
def test_a_road_is_cut_at_the_boundary_and_spaced_from_the_cut(geojson, tmp_path):
    extract = write_extract(tmp_path / "r.osm", [LONG])
    boundary = tmp_path / "b.geojson"
    boundary.write_text(json.dumps(geojson(square_at(SQUARE))))
    assert in_metres(points_of(extract, 1000, boundary=str(boundary))) == INSIDE


def test_a_poly_file_with_a_hole_leaves_the_hole_out(tmp_path):
    hole = [(x / 4, y / 4) for x, y in SQUARE]

    def ring(name, places):
        lines = [f"   {x:.7E}   {y:.7E}" for x, y in degrees(places, *CENTRE)]
        return "\n".join([name, *lines, "END"])

    boundary = tmp_path / "b.poly"
    boundary.write_text("\n".join(["town", ring("1", SQUARE), ring("!2", hole), "END", ""]))
    extract = write_extract(tmp_path / "r.osm", [LONG])
    # 2,000 m on either side less 500 m of the hole: one point in the middle of each.
    found = in_metres(points_of(extract, 1000, boundary=str(boundary)))
    assert sorted(found) == [(-1250, 0), (1250, 0)]


def test_a_circle_around_a_place_is_an_area(tmp_path):
    extract = write_extract(tmp_path / "r.osm", [LONG])
    assert in_metres(points_of(extract, 1000, around=CENTRE, radius_km=2)) == INSIDE


def test_an_area_across_the_antimeridian_is_one(tmp_path):
    centre = (-17.0, 180.0)
    extract = write_extract(tmp_path / "r.osm", [LONG], centre)
    whole = [((x + 360) % 360, y) for x, y in degrees(SQUARE, *centre)]
    west = [(min(x, 180.0), y) for x, y in whole]
    east = [(max(x, 180.0) - 360, y) for x, y in whole]
    areas = [{"around": centre, "radius_km": 2}]
    for name, rings in (("past.geojson", [whole]), ("split.geojson", [west, east])):
        content = {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}
        (tmp_path / name).write_text(json.dumps(content))
        areas.append({"boundary": str(tmp_path / name)})
    for area in areas:
        found = in_metres(points_of(extract, 1000, **area), centre)
        assert [x for x, _ in found] == [x for x, _ in INSIDE]


def test_a_road_outside_the_boundary_is_not_sampled(tmp_path):
    extract = write_extract(tmp_path / "r.osm", [LONG])
    with pytest.raises(ValueError, match="no drivable road in 1 km around"):
        points_of(extract, 1000, around=(11.0, 20.0), radius_km=1)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("b.geojson", "{", "no GeoJSON"),
        ("b.geojson", '{"type": "Point", "coordinates": [1, 2]}', "no polygon"),
        ("b.geojson", '{"type": "Polygon", "coordinates": [[[500000, 4500000], [500001, 4500000],'
         ' [500001, 4500001], [500000, 4500000]]]}', "not in degrees"),
        ("b.poly", "name\n1\n  x y\nEND\nEND\n", "line 3"),
        ("b.poly", "name\n", "no ring"),
        ("b.shp", "", "give one of .geojson"),
        ("absent.poly", None, "cannot read the boundary"),
    ],
)  # fmt: skip
def test_a_boundary_that_cannot_be_used_is_refused(name, content, message, drawn, tmp_path):
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match=message):
        points_of(drawn, 500, boundary=str(path))


def town(relation_id, ring, **tags):
    return Relation(relation_id, [ring[:3], ring[2:]], {"admin_level": "8", **tags})


@pytest.fixture
def towns(tmp_path):
    far = [(x + 3000, y) for x, y in SQUARE]
    wide = [(3 * x, 3 * y) for x, y in SQUARE]
    relations = [
        town(501, SQUARE, name="Middleton", **{"name:fr": "Ville-du-Milieu"}),
        town(502, far, name="Easton"),
        town(503, wide, name="Middleton", admin_level="6"),
        Relation(504, [SQUARE[:3]], {"name": "Open", "admin_level": "8"}),
    ]
    return write_extract(tmp_path / "towns.osm", [LONG], relations=relations)


@pytest.mark.parametrize("name", ["Middleton", "middleton ", "Ville du Milieu", "501"])
def test_a_city_is_the_relation_of_its_name_or_number(name, towns):
    assert in_metres(points_of(towns, 1000, city=name)) == INSIDE


def test_a_larger_unit_of_the_same_name_is_reached_by_its_number(towns):
    assert len(in_metres(points_of(towns, 1000, city="503"))) == 10


def test_an_unknown_city_is_refused_with_names_that_come_close(towns):
    with pytest.raises(ValueError, match="did you mean Middleton") as refused:
        points_of(towns, 1000, city="Midleton")
    assert "--around" in str(refused.value)
    with pytest.raises(ValueError, match="it has Easton, Middleton, Open"):
        points_of(towns, 1000, city="Zzyzx")


def test_a_boundary_that_the_extract_has_in_part_is_refused(towns):
    with pytest.raises(ValueError, match=r"Open \(relation 504.*not whole"):
        points_of(towns, 1000, city="Open")


def test_an_extract_without_boundaries_says_so(drawn):
    with pytest.raises(ValueError, match="no boundary at all"):
        points_of(drawn, 1000, city="Anywhere")


def test_rows_bear_the_city_named_or_else_the_nearest_town(shared):
    liechtenstein = shared("data/osm/liechtenstein.osm.pbf")
    vaduz = points_of(liechtenstein, 4000, city="Vaduz")
    assert set(vaduz["city"].to_pylist()) == {"Vaduz"}
    assert set(vaduz["country"].to_pylist()) == {"LI"}
    whole = points_of(liechtenstein, 4000)
    assert {"Triesenberg", "Balzers"} <= set(whole["city"].to_pylist())
    named = points_of(
        liechtenstein, 4000, city="Home", country="Austria", around=(47.14, 9.52), radius_km=1
    )
    assert set(named["city"].to_pylist()) == {"Home"} and set(named["country"].to_pylist()) == {
        "AT"
    }
