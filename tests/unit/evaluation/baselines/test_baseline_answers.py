"""From probabilities to places: the best answers, and countries sum what lies in them."""

import numpy as np
import pytest

from georay.core.gazetteer import Gazetteer
from georay.evaluation.baselines.answers import Spots, named_location, town_of
from georay.evaluation.datasets import KnownPicture

MUNICH, BERLIN, ROME = (48.14, 11.58), (52.52, 13.41), (41.89, 12.51)


def spots(*places):
    return Spots(*np.array(places, float).T)


def test_a_picture_is_of_its_own_town_and_not_of_the_nearest_district():
    berlin = KnownPicture("a", "a.jpg", "DE", "Berlin", *BERLIN)
    unnamed = KnownPicture("b", "b.jpg", "DE", None, *BERLIN)
    assert town_of(berlin).name == "Berlin" and town_of(unnamed).name != "Berlin"
    named = Spots(*np.array([BERLIN]).T, [town_of(berlin)])
    assert named.location(np.array([1.0]), top_k=1).city == "Berlin"


def test_the_likeliest_point_answers_though_another_country_has_more_in_sum():
    found = spots(MUNICH, BERLIN, ROME).location(np.array([0.3, 0.3, 0.4]), top_k=2)
    assert (found.country, found.city) == ("IT", "Rome")
    assert (found.latitude, found.longitude) == ROME
    assert found.confidence == pytest.approx(0.4)
    assert [one.country for one in found.candidates] == ["DE", "IT"]
    assert found.candidates[0].probability == pytest.approx(0.6)
    assert {town.city for town in found.candidates[0].towns} == {"Munich", "Mitte"}


def test_points_of_one_town_are_one_candidate():
    near = (MUNICH[0] + 0.001, MUNICH[1])
    found = spots(MUNICH, near).location(np.array([0.5, 0.5]), top_k=1)
    (candidate,) = found.candidates
    assert [town.probability for town in candidate.towns] == [pytest.approx(1.0)]


def test_a_named_country_answers_with_its_own_likeliest_town():
    place = Gazetteer.load().resolve
    munich, rome = place("Munich", "DE"), place("Rome", "IT")
    towns = {"DE": [(munich, 0.2)], "IT": [(rome, 0.45)]}
    found = named_location({"DE": 0.55, "IT": 0.45}, towns, top_k=5)
    assert (found.country, found.city, found.confidence) == ("DE", "Munich", 0.55)
    assert (found.latitude, found.longitude) == (munich.latitude, munich.longitude)


def test_a_country_without_known_towns_has_no_coordinates():
    found = named_location({"DE": 1.0}, {}, top_k=0)
    assert (found.status, found.country, found.city, found.latitude) == (
        "answered",
        "DE",
        None,
        None,
    )
    assert found.candidates == ()
