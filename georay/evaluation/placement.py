"""Mean and median distance of answers, and the score of the game GeoGuessr."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from georay.evaluation.intervals import UNDEFINED, Figure, mean_of, median_of

GEOSCORE_MOST = 5000.0
GEOSCORE_KM = 1492.7
"""Of the whole world's map: the distance at which a round is worth 1/e of the points."""


@dataclass(frozen=True)
class Placement:
    """Distances of the located images, and points per round.

    geoscore: over all images whose place is known, with 0 points where nothing was answered.
    geoscore_of_located: over those with an answer.
    """

    mean_km: Figure
    median_km: Figure
    geoscore: Figure
    geoscore_of_located: Figure

    def as_lines(self) -> list[str]:
        """The figures in two lines; none where nothing is placed."""
        if self.geoscore == UNDEFINED:
            return []
        return [
            f"Distance of those located: median {_text(self.median_km)} km, "
            f"mean {_text(self.mean_km)} km.",
            f"Geoscore: {_text(self.geoscore)} of all, "
            f"{_text(self.geoscore_of_located)} of those located.",
        ]


def geoscore(distance_km: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points of a round, 5000·exp(−d/1492.7): 5,000 at no distance, 0 where it is unknown (NaN)."""
    return np.nan_to_num(GEOSCORE_MOST * np.exp(-distance_km / GEOSCORE_KM), nan=0.0)


def placement_of(distance_km: NDArray[np.float64], num_placed: int) -> Placement:
    """The figures of `num_placed` images, of which [num_located] were answered at a distance."""
    points = geoscore(distance_km)
    unanswered = np.zeros(num_placed - len(points))
    return Placement(
        mean_km=_between(mean_of(distance_km), 0.0, np.inf),
        median_km=median_of(distance_km),
        geoscore=_between(mean_of(np.concatenate([points, unanswered])), 0.0, GEOSCORE_MOST),
        geoscore_of_located=_between(mean_of(points), 0.0, GEOSCORE_MOST),
    )


def _between(figure: Figure, least: float, most: float) -> Figure:
    """The figure with its interval cut where no value can be."""
    if figure.low is None or figure.high is None:
        return figure
    return Figure(figure.value, max(least, figure.low), min(most, figure.high))


def _text(figure: Figure) -> str:
    if figure.value is None:
        return "-"
    if figure.low is None or figure.high is None:
        return number_text(figure.value)
    return f"{number_text(figure.value)} [{number_text(figure.low)}, {number_text(figure.high)}]"


def number_text(value: float) -> str:
    """A number with three digits, or all before its point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
