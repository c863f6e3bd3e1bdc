"""Estimates the requests, cost and time of a run before its first request."""

import math
from dataclasses import asdict, dataclass

from georay.acquisition.providers import Terms
from georay.config.collect import CollectRecipe, FolderRecipe, PricesRecipe


@dataclass(frozen=True)
class Estimate:
    """Requests, money and time that are to come. coverage: the share of points with a picture.

    cost: None where the recipe has no price list. days: at least, by the quota of the day.
    """

    source: str
    num_points: int
    num_searches: int
    num_pictures: int
    coverage: float
    coverage_from: str
    cost: float | None
    currency: str
    price_list: str
    hours: float
    days: int
    terms: str
    terms_url: str

    def as_text(self) -> str:
        lines = [
            f"{self.source}: {self.num_points:,} points to ask about",
            f"requests: {self.num_searches:,} for what is there, about {self.num_pictures:,} for "
            f"pictures ({self.coverage:.0%} of the points have some, {self.coverage_from})",
            self._cost_line(),
            f"time: at least {_duration(self.hours)} at the rate of the recipe"
            + (f", and {self.days} days by its quota of the day" if self.days > 1 else ""),
            f"terms: {self.terms} {self.terms_url}".rstrip(),
        ]
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    def _cost_line(self) -> str:
        if self.cost is None:
            return "cost: none is known; the recipe has no `prices`"
        return f"cost: about {self.cost:,.2f} {self.currency} by the list {self.price_list!r}"


def estimate(
    recipe: CollectRecipe, terms: Terms, num_points: int, num_views: int, seen: float | None
) -> Estimate:
    """The requests of what is left of a run.

    num_points, num_views: that are left. seen: the share of points that had a picture so far.
    """
    coverage = recipe.expected_coverage if seen is None else seen
    searches = 0 if isinstance(recipe.provider, FolderRecipe) else num_points
    pictures = 0 if isinstance(recipe.provider, FolderRecipe) else round(num_views * coverage)
    counted = pictures if terms.free_search else pictures + searches
    prices, per_day = recipe.prices, recipe.quota.per_day
    return Estimate(
        source=terms.source,
        num_points=num_points,
        num_searches=searches,
        num_pictures=pictures,
        coverage=coverage,
        coverage_from="as expected by the recipe" if seen is None else "as seen so far",
        cost=None if prices is None else cost_of(pictures, prices),
        currency="" if prices is None else prices.currency,
        price_list="" if prices is None else prices.name,
        hours=(searches + pictures) / _per_second(recipe) / 3600,
        days=1 if per_day is None else max(1, -(-counted // per_day)),
        terms=terms.obligation,
        terms_url=terms.url,
    )


def cost_of(num_pictures: int, prices: PricesRecipe) -> float:
    """What so many pictures cost if they are the first of their month.

    Raises ValueError if the list ends before that number.
    """
    cost, counted = 0.0, 0
    for step in prices.steps:
        end = num_pictures if step.up_to is None else min(step.up_to, num_pictures)
        cost += max(end - counted, 0) * step.per_thousand / 1000
        counted = max(counted, end)
    if counted < num_pictures:
        raise ValueError(
            f"the price list {prices.name!r} ends at {counted:,} pictures and {num_pictures:,} are "
            "asked for: add a step without up_to"
        )
    return cost


def _duration(hours: float) -> str:
    seconds = math.ceil(hours * 3600)
    if seconds < 120:
        return f"{seconds} seconds"
    return f"{math.ceil(seconds / 60)} minutes" if hours < 2 else f"{hours:.1f} hours"


def _per_second(recipe: CollectRecipe) -> float:
    per_minute = recipe.quota.per_minute
    return min(recipe.quota.per_second, (per_minute or 10**9) / 60)
