"""From seconds at several numbers of nodes to efficiency, and to what the seconds are made of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

_MOST_TIMES = 2  # how far beyond the measured numbers of nodes a fit is drawn


@dataclass(frozen=True)
class Point:
    """A size on a number of nodes: the median of its repeats' seconds, and their extremes.

    is_saturated: the host had no cores to spare, so the point says nothing of more machines.
    """

    num_nodes: int
    num_rows: int
    seconds: float
    fastest: float
    slowest: float
    is_saturated: bool

    @property
    def rows_per_s(self) -> float:
        return self.num_rows / self.seconds


@dataclass(frozen=True)
class Fit:
    """t(n) = serial + per_row · rows / n + overhead · n, in seconds; none of the three is negative.

    residuals: (measured - fitted) / measured, in the order of `points`; their number less three is
    how many of them are free.
    """

    serial: float
    per_row: float
    overhead: float
    points: tuple[Point, ...]
    residuals: tuple[float, ...]

    def seconds(self, num_nodes: float, num_rows: float) -> float:
        return self.serial + self.per_row * num_rows / num_nodes + self.overhead * num_nodes

    @property
    def most_nodes(self) -> int:
        """How far it may be drawn: to twice what was measured."""
        return _MOST_TIMES * max(one.num_nodes for one in self.points)

    @property
    def free(self) -> int:
        return max(0, len(self.points) - 3)


def fit(points: Sequence[Point]) -> Fit | None:
    """The least relative error over all sizes; None where three unsaturated points are not there,
    or all of them have one number of nodes.
    """
    used = tuple(one for one in points if not one.is_saturated)
    if len(used) < 3 or len({one.num_nodes for one in used}) < 2:
        return None
    nodes, rows, seconds = (
        np.array([getattr(one, name) for one in used], dtype=np.float64)
        for name in ("num_nodes", "num_rows", "seconds")
    )
    terms = np.stack([np.ones_like(nodes), rows / nodes, nodes], axis=1)
    # Divided by what was measured: a second more counts for as much as it is of the whole.
    relative: NDArray[np.float64] = terms / seconds[:, None]
    found, _ = nnls(relative, np.ones_like(seconds))
    residuals = 1 - relative @ found
    serial, per_row, overhead = map(float, found)
    return Fit(serial, per_row, overhead, used, tuple(residuals.tolist()))


def strong_efficiency(points: Sequence[Point]) -> dict[int, float]:
    """Of one size: n0 · t(n0) / (n · t(n)), with n0 the fewest nodes measured."""
    first = min(points, key=lambda one: one.num_nodes)
    whole = first.num_nodes * first.seconds
    return {one.num_nodes: whole / (one.num_nodes * one.seconds) for one in points}


def weak_efficiency(points: Sequence[Point]) -> dict[int, float]:
    """Of one size a node: t(n0) / t(n)."""
    first = min(points, key=lambda one: one.num_nodes)
    return {one.num_nodes: first.seconds / one.seconds for one in points}
