"""One coordinate for many candidates."""

import numpy as np
import pytest

from georay.core.gazetteer import Gazetteer, Place
from georay.models.decoding.placing import least_expected_distance

GAZETTEER = Gazetteer.load()


def town(city: str, country: str) -> Place:
    found = GAZETTEER.resolve(city, country)
    assert found is not None
    return found


def test_a_sure_candidate_is_where_it_is() -> None:
    placing = least_expected_distance([town("Paris", "FR"), town("Tokyo", "JP")], [1.0, 0.0])
    assert placing.town.name == "Paris"
    assert placing.expected_distance_km == 0.0


def test_the_likeliest_is_left_for_a_town_between_the_others() -> None:
    towns = [town("Lisbon", "PT"), town("Milan", "IT"), town("Zurich", "CH"), town("Munich", "DE")]
    placing = least_expected_distance(towns, [0.31, 0.23, 0.23, 0.23])
    assert placing.town.country == "CH"


def test_the_distance_is_the_mean_on_the_sphere_across_the_date_line() -> None:
    suva, apia = town("Suva", "FJ"), town("Apia", "WS")
    placing = least_expected_distance([suva, apia], [3.0, 1.0])
    assert placing.town == suva
    assert placing.expected_distance_km == pytest.approx(1148 / 4, rel=0.02)


def test_it_is_always_a_candidate_and_the_best_of_them() -> None:
    rng = np.random.default_rng(0)
    everywhere = [
        GAZETTEER.cities(code)[0] for code in GAZETTEER.countries()[:40:2] if GAZETTEER.cities(code)
    ]
    weights = rng.random(len(everywhere))
    placing = least_expected_distance(everywhere, weights.tolist())
    assert placing.town in everywhere
    for other in everywhere:
        shifted = [weights[n] + 1e9 * (one == other) for n, one in enumerate(everywhere)]
        assert least_expected_distance(everywhere, shifted).town == other


@pytest.mark.parametrize("weights", [[], [0.0], [1.0, 1.0], [-1.0], [float("nan")]])
def test_weights_that_weigh_nothing_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weight"):
        least_expected_distance([town("Paris", "FR")], weights)
