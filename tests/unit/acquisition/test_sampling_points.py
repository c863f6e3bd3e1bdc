"""Where points stand on hand-drawn roads; every right answer is computed by hand."""

import math
from itertools import pairwise

import numpy as np
import pytest
from drawn_roads import WGS84, in_metres, points_of, road, write_extract
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from benchmarks.points_check import Roads, put_in, read_ways


@pytest.fixture
def sampled(tmp_path):
    """Places of the points of drawn roads, in whole metres."""

    def sample(*ways, interval, centre=(10.0, 20.0), **city):
        extract = write_extract(tmp_path / "drawn.osm", ways, centre)
        return in_metres(points_of(extract, interval, **city), centre)

    return sample


def test_what_a_road_leaves_over_is_shared_between_its_ends(sampled):
    assert sampled(road((0, 0), (10_000, 0)), interval=4000) == [(3000, 0), (7000, 0)]


def test_a_road_goes_on_through_nodes_where_only_two_ways_meet(sampled):
    ways = road((0, 0), (700, 0), name="One"), road((700, 0), (700, 1300), name="Other")
    assert sampled(*ways, interval=1000) == [(500, 0), (700, 800)]


def test_at_a_junction_a_road_goes_on_by_its_name_before_the_straighter_one(sampled):
    ways = (
        road((0, 0), (600, 0), name="Main"),
        road((600, 0), (1200, 0), name="Side"),
        road((600, 0), (900, 400), name="Main"),
    )
    # Main is 600 + 500 m long, and turns by 53 degrees; Side's end is 600 + 50 m from its point.
    assert sampled(*ways, interval=1000) == [(550, 0)]


def test_at_a_junction_without_a_name_the_straightest_road_goes_on(sampled):
    ways = road((0, 0), (600, 0)), road((600, 0), (1200, 0)), road((600, 0), (600, 500))
    assert sampled(*ways, interval=1000) == [(600, 0)]


def test_a_road_is_not_continued_around_a_sharp_corner(sampled):
    arms = (road((0, 0), (800, 0)), road((0, 0), (0, 800)), road((0, 0), (-800, -10)))
    # The arms east and west are one road of 1,600 m; the north one's end is 800 m from its point.
    assert sampled(*arms, interval=1500) == [(0, 0)]
    assert sampled(*arms, interval=600)[-1] == (0, 400)


def test_a_dead_end_within_reach_of_the_main_road_has_no_point(sampled):
    main, end = road((0, 0), (5000, 0), (10_000, 0)), road((5000, 0), (5000, 300))
    assert sampled(main, end, interval=1000) == [(500 + 1000 * k, 0) for k in range(10)]


def test_a_dead_end_out_of_reach_has_one_in_its_middle(sampled):
    main, end = road((0, 0), (5000, 0), (10_000, 0)), road((5000, 0), (5000, 800))
    assert sampled(main, end, interval=1000)[-1] == (5000, 400)


def test_a_component_of_thirty_metres_has_a_point(sampled):
    ways = road((0, 0), (4000, 0)), road((0, 900), (30, 900))
    assert sampled(*ways, interval=4000) == [(2000, 0), (15, 900)]


def test_a_loop_without_end_has_points_all_around(sampled):
    corners = [(0, 0), (1500, 0), (1500, 1500), (0, 1500), (0, 0)]
    found = sampled(road(*corners), interval=1000)
    # 6,000 m from the first node: half of an interval, then every 1,000 m.
    assert found == [(500, 0), (1500, 0), (1500, 1000), (1000, 1500), (0, 1500), (0, 500)]


def test_a_roundabout_is_one_road_of_its_own(sampled):
    ring = [(100 * math.cos(a), 100 * math.sin(a)) for a in np.linspace(0, 2 * math.pi, 25)[:-1]]
    arms = [road((2100.0, 0.0), ring[0]), road((-2100.0, 0.0), ring[12])]
    around = (
        road(*ring[:13], junction="roundabout"),
        road(*ring[12:], ring[0], junction="roundabout"),
    )
    found = sampled(*arms, *around, interval=500)
    on_ring = [place for place in found if math.hypot(*place) < 150]
    assert len(on_ring) == 1 and math.hypot(*on_ring[0]) == pytest.approx(100, abs=2)


def two_carriageways(apart, first="High Road", second="High Road", **tags):
    return (
        road((0, 0), (1000, 0), name=first, oneway="yes", way_id=1, **tags),
        road((1000, apart), (0, apart), name=second, oneway="yes", way_id=2, **tags),
    )


def test_a_dual_carriageway_is_sampled_once(sampled):
    assert sampled(*two_carriageways(20), interval=100) == [(50 + 100 * k, 0) for k in range(10)]


def test_the_second_carriageway_is_known_when_both_join_at_their_ends(sampled):
    north, south = two_carriageways(20)
    ends = road((0, 20), (-100, 10), (0, 0), name="High Road"), road((-100, 10), (-400, 10))
    found = sampled(north, south, *ends, interval=100)
    on_either = [x for x, y in found if 0 < x < 1000]
    assert len(on_either) == 10 and all(b - a > 90 for a, b in pairwise(sorted(on_either)))


@pytest.mark.parametrize(
    "ways",
    [
        two_carriageways(20, "High Road", "Low Road"),
        two_carriageways(60),
        (road((0, 0), (1000, 0), oneway="yes"), road((0, 20), (1000, 20), oneway="yes")),
        (road((0, 0), (1000, 0)), road((1000, 20), (0, 20))),
    ],
    ids=["other names", "60 m apart", "one direction", "both two-way"],
)
def test_two_roads_side_by_side_are_both_sampled(ways, sampled):
    assert len(sampled(*ways, interval=100)) == 20


def test_a_carriageway_drawn_against_its_direction_is_one_too(sampled):
    ways = (
        road((0, 0), (1000, 0), ref="A1", highway="trunk", oneway="yes"),
        road((0, 20), (1000, 20), ref="A1", highway="trunk", oneway="-1"),
    )
    assert len(sampled(*ways, interval=100)) == 10


def test_only_the_part_that_is_doubled_is_left_out(sampled):
    long = road((0, 0), (2500, 0), name="High Road", oneway="yes", way_id=1)
    short = road((1000, 20), (0, 20), name="High Road", oneway="yes", way_id=2)
    apart = road((0, 20), (0, 1020), name="High Road", oneway="yes", way_id=3)
    found = sampled(long, short, apart, interval=100)
    assert [place for place in found if place[1] == 20] == []
    assert len([place for place in found if place[0] == 0]) == 10


def test_headings_follow_traffic_where_it_is_one_way(tmp_path):
    against = road((0, 0), (0, 1000), oneway="-1")
    both = road((500, 0), (1500, 0))
    table = points_of(write_extract(tmp_path / "r.osm", [against, both]), 1000)
    assert table["heading_road"].to_pylist() == pytest.approx([180, 90], abs=0.1)


@pytest.mark.parametrize("centre", [(-33.9, 18.4), (-17.0, 180.0), (64.1, -21.9), (0.0, -180.0)])
def test_distances_hold_anywhere_on_the_globe(centre, tmp_path):
    way = road((-6000, -6000), (6000, 6000))
    table = points_of(write_extract(tmp_path / "r.osm", [way], centre), 500)
    assert table.num_rows == 33
    longitude, latitude = table["longitude"].to_numpy(), table["latitude"].to_numpy()
    assert ((longitude >= -180) & (longitude < 180)).all()
    steps = WGS84.inv(longitude[:-1], latitude[:-1], longitude[1:], latitude[1:])[2]
    assert steps == pytest.approx(500, rel=0.001)


def test_nothing_depends_on_the_order_of_the_extract(tmp_path):
    grid = _grid(4, 250.0)
    tables = [
        points_of(write_extract(tmp_path / f"{n}.osm", grid, backward=bool(n)), 400) for n in (0, 1)
    ]
    # Node ids are the same, so everything is, whatever stands first in the file.
    assert tables[0].equals(tables[1])


def _grid(size, step):
    lines = [[(step * x, step * y) for x in range(size)] for y in range(size)]
    columns = [list(line) for line in zip(*lines, strict=True)]
    return [road(*line, way_id=n + 1) for n, line in enumerate([*lines, *columns])]


@st.composite
def networks(draw):
    """Up to 12 roads between places of a coarse lattice, so that many of them meet."""
    place = st.tuples(st.integers(0, 6), st.integers(0, 6))
    ways = []
    for number in range(draw(st.integers(1, 12))):
        line = draw(st.lists(place, min_size=2, max_size=5, unique=True))
        tags = {
            "name": draw(st.sampled_from(["Oak", "Elm"])),
            "oneway": draw(st.sampled_from(["yes", "no", "-1"])),
        }
        # Bent, so that no way runs back over itself: nobody could say where on it a point is.
        scaled = [
            (137.0 * x + 13 * ((3 * x + 5 * y) % 7), 173.0 * y + 17 * ((5 * x + 2 * y) % 7))
            for x, y in line
        ]
        ways.append(road(*scaled, way_id=number + 1, **tags))
    return ways


@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(ways=networks(), interval=st.sampled_from([60.0, 150.0, 700.0]))
def test_any_network_has_its_points_on_roads_regular_and_near_every_place(ways, interval, tmp_path):
    extract = write_extract(tmp_path / "any.osm", ways)
    rows = points_of(extract, interval).to_pylist()
    check(extract, rows, interval, with_paths=False)  # a lattice has too many of them


def check(extract, rows, interval, *, with_paths=True):
    """The three properties, by the benchmark's independent check."""
    places = [((row["longitude"], row["latitude"]), row["way_id"]) for row in rows]
    checked = put_in(Roads(read_ways(str(extract))), places)
    assert max(checked.away) < 1
    regular = [
        (n, n + 1)
        for n, (a, b) in enumerate(pairwise(rows))
        if a["road"] == b["road"] and a["placed"] == b["placed"] == "interval"
    ]
    for one, other in regular:
        along = rows[other]["offset_m"] - rows[one]["offset_m"]
        assert along == pytest.approx(interval, rel=0.001)
    if with_paths:
        assert checked.spacing(regular, interval)["pairs_without_such_a_path"] == 0
    checked.join_carriageways()
    assert checked.coverage(as_one_road=True).max() <= interval * 1.001 + 0.1


@pytest.mark.parametrize(("place", "interval"), [("monaco", 100), ("singapore_bayfront", 100)])
def test_the_three_properties_hold_on_real_roads(place, interval, shared):
    extract = shared(f"data/osm/{place}.osm.pbf")
    check(extract, points_of(extract, interval).to_pylist(), interval)
