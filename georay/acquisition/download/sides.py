"""Chooses the views of a point: of four sides of the road, some are kept by a seed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from georay.acquisition.providers.base import FoundPicture, Point, metres
from georay.config.collect import ViewsRecipe

SIDES = {"front": 0.0, "right": 90.0, "back": 180.0, "left": 270.0}
"""Degrees clockwise from the road's direction; from north where that is not known."""


@dataclass(frozen=True, slots=True)
class PlannedView:
    """A view of a point, and the picture that shows it; None if none is there."""

    side: str
    heading: float
    found: FoundPicture | None

    @property
    def true_heading(self) -> float | None:
        """Where the picture looks."""
        if self.found is not None and self.found.shape == "photograph":
            return self.found.heading
        return self.heading


def ranked_sides(point_id: str, seed: int) -> list[str]:
    """The four sides in an order that a hash of seed and point decides alone."""

    def rank(side: str) -> bytes:
        return blake2b(f"{seed}:{point_id}:{side}".encode(), digest_size=8).digest()

    return sorted(SIDES, key=rank)


def choose_views(
    point: Point, found: Sequence[FoundPicture], recipe: ViewsRecipe, done: Collection[str] = ()
) -> list[PlannedView]:
    """The views to take: as many as `keep`, less those that are done.

    The first sides in the order of the seed that have a picture; where too few have one, sides
    without a picture make up the number. No photograph is taken twice.
    """
    near = sorted(
        (one for one in found if metres(point, one) <= recipe.radius_m),
        key=lambda one: (metres(point, one), one.picture_id),
    )
    views = _matched(point, near, recipe)
    views.sort(key=lambda view: view.found is None)
    left = [view for view in views if view.side not in done]
    return left[: max(recipe.keep - len(done), 0)]


def _matched(point: Point, near: Sequence[FoundPicture], recipe: ViewsRecipe) -> list[PlannedView]:
    """Every side in the order of the seed, with the nearest picture that looks there."""
    used: set[str] = set()
    views = []
    for side in ranked_sides(point.point_id, recipe.seed):
        heading = ((point.heading_road or 0.0) + SIDES[side]) % 360
        fitting = (
            one
            for one in near
            if one.turn(heading) <= recipe.max_turn and one.picture_id not in used
        )
        best = next(fitting, None)
        if best is not None and best.shape == "photograph":
            used.add(best.picture_id)
        views.append(PlannedView(side, heading, best))
    return views
