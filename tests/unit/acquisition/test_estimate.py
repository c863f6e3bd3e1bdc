"""What a run says that it will ask for and cost, before it asks."""

import pytest

from georay.acquisition.download.estimate import cost_of, estimate
from georay.acquisition.providers import Terms
from georay.config.collect import CollectRecipe, PricesRecipe
from georay.config.load import parse_recipe

FREE = Terms("Loopback", "https://terms.test", "Name us.", blurs=True, free_search=True)
PRICES = {
    "name": "list of May",
    "currency": "USD",
    "steps": [{"per_thousand": 7.0, "up_to": 1000}, {"per_thousand": 5.0}],
}


def recipe(**changes):
    content = {"points": "p.parquet", "output": "o", "provider": {"name": "panoramax"}, **changes}
    return parse_recipe(content, CollectRecipe, "test")


def test_requests_cost_time_and_terms_are_said():
    wanted = recipe(prices=PRICES, expected_coverage=0.8, quota={"per_second": 10, "per_day": 500})
    said = estimate(wanted, FREE, 1000, 2000, None)
    assert (said.num_searches, said.num_pictures) == (1000, 1600)
    assert said.cost == pytest.approx(7 + 3)
    assert said.days == 4, "searches are free"
    assert said.hours == pytest.approx(2600 / 10 / 3600)
    text = said.as_text()
    for part in ("1,000 for what is there", "10.00 USD", "'list of May'", "4 days", "Name us."):
        assert part in text


def test_what_was_seen_counts_more_than_what_was_expected():
    said = estimate(recipe(expected_coverage=0.2), FREE, 100, 200, 0.5)
    assert said.num_pictures == 100 and "as seen so far" in said.as_text()
    assert "none is known" in said.as_text()


def test_searches_count_where_they_are_not_free():
    counting = Terms("Loopback", "", "", blurs=True)
    assert estimate(recipe(quota={"per_day": 100}), counting, 100, 200, 1.0).days == 3


@pytest.mark.parametrize(("number", "cost"), [(0, 0), (500, 3.5), (1000, 7), (3000, 17)])
def test_steps_of_a_price_list_add_up(number, cost):
    assert cost_of(number, PricesRecipe(**PRICES)) == pytest.approx(cost)


def test_a_price_list_that_ends_too_early_is_said():
    short = PricesRecipe(name="s", currency="EUR", steps=({"per_thousand": 1, "up_to": 10},))
    with pytest.raises(ValueError, match="ends at 10"):
        cost_of(11, short)


def test_minutes_bound_the_rate_too():
    said = estimate(recipe(quota={"per_second": 100, "per_minute": 60}), FREE, 3600, 0, 1.0)
    assert said.hours == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("num_points", "says"),
    [
        (30, "3 seconds"),
        (1000, "100 seconds"),
        (1200, "2 minutes"),
        (36_001, "61 minutes"),
        (360_000, "10.0 hours"),
    ],
)
def test_the_time_is_said_in_a_unit_that_fits(num_points, says):
    text = estimate(recipe(), FREE, num_points, 0, 1.0).as_text()
    assert f"time: at least {says} at the rate" in text
