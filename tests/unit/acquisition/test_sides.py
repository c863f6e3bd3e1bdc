"""Which views of a point are taken: sides of the road, kept by seed, each picture once."""

from collections import Counter

import pytest

from georay.acquisition.download.sides import SIDES, choose_views, ranked_sides
from georay.acquisition.providers import FoundPicture, Point
from georay.config.collect import ViewsRecipe

POINT = Point("p1", 10.0, 20.0, heading_road=30.0)


def photograph(name, heading, metres=0.0, shape="photograph"):
    return FoundPicture(
        name, 10.0 + metres / 111_195, 20.0, None, "CC0", "us", heading, shape, "url"
    )


def all_four(point, found, **settings):
    return {v.side: v for v in choose_views(point, found, ViewsRecipe(keep=4, **settings))}


def test_sides_are_those_of_the_road():
    anywhere = photograph("a", None, shape="any view")
    views = all_four(POINT, [anywhere])
    assert {side: view.heading for side, view in views.items()} == {
        "front": 30.0, "right": 120.0, "back": 210.0, "left": 300.0,
    }  # fmt: skip
    assert {view.true_heading for view in views.values()} == {30.0, 120.0, 210.0, 300.0}


def test_without_a_road_front_is_north():
    views = all_four(Point("p", 10.0, 20.0), [photograph("a", None, shape="any view")])
    assert views["front"].heading == 0.0


def test_two_of_four_are_kept_evenly_and_a_larger_number_adds_to_them():
    counts = Counter()
    for number in range(2000):
        ranked = ranked_sides(f"p{number}", seed=3)
        counts.update(ranked[:2])
        kept = [v.side for v in choose_views(Point(f"p{number}", 1, 2), [], ViewsRecipe(seed=3))]
        assert kept == ranked[:2]
    assert set(counts) == set(SIDES)
    assert max(counts.values()) - min(counts.values()) < 150
    assert ranked_sides("p1", 1) != ranked_sides("p1", 2) or ranked_sides("p2", 1) != ranked_sides(
        "p2", 2
    )


def test_photographs_answer_for_the_side_that_they_look_to():
    found = [photograph("front", 20.0), photograph("back", 200.0)]
    views = all_four(POINT, found)
    assert views["front"].found.picture_id == "front"
    assert views["front"].true_heading == 20.0
    assert views["back"].found.picture_id == "back"
    assert views["left"].found is None and views["left"].true_heading == 300.0


def test_sides_with_a_picture_come_before_those_without():
    found = [photograph("one", 30.0), photograph("two", 120.0)]
    for number in range(20):
        point = Point(f"p{number}", 10.0, 20.0, heading_road=30.0)
        views = choose_views(point, found, ViewsRecipe(keep=2))
        assert {view.found.picture_id for view in views} == {"one", "two"}


def test_no_photograph_is_taken_twice():
    between = photograph("between", 75.0)
    taken = [view.found for view in all_four(POINT, [between]).values() if view.found]
    assert taken == [between]


def test_a_photograph_of_unknown_heading_is_one_view_and_says_so():
    views = all_four(POINT, [photograph("unknown", None)])
    (taken,) = [view for view in views.values() if view.found]
    assert taken.true_heading is None


def test_the_nearest_is_taken_and_none_beyond_the_radius():
    found = [photograph("far", 30.0, 60), photograph("near", 30.0, 10), photograph("mid", 30.0, 20)]
    assert all_four(POINT, found)["front"].found.picture_id == "near"
    assert all_four(POINT, found[:1])["front"].found is None


@pytest.mark.parametrize("turn", [44.9, 45.1])
def test_a_photograph_may_look_past_its_side_by_so_much(turn):
    found = all_four(POINT, [photograph("a", 30.0 + turn)], max_turn=45.0)["front"].found
    assert (found is not None) == (turn < 45)


def test_a_panorama_looks_everywhere():
    views = all_four(POINT, [photograph("pano", 77.0, shape="panorama")])
    assert all(view.found.picture_id == "pano" for view in views.values())
    assert views["left"].true_heading == 300.0


def test_what_is_done_is_not_taken_again_and_counts():
    found = [photograph("a", None, shape="any view")]
    first, second = choose_views(POINT, found, ViewsRecipe(keep=2))
    assert choose_views(POINT, found, ViewsRecipe(keep=2), [first.side]) == [second]
    assert choose_views(POINT, found, ViewsRecipe(keep=2), [first.side, second.side]) == []
