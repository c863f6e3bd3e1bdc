"""Tests whether one system is better than another on the same images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from georay.evaluation.intervals import Figure, bootstrap_mean
from georay.evaluation.metrics import Measuring, is_within
from georay.evaluation.outcomes import Floats, Keys, Mask, Outcomes

_SAME_DEGREES = 1e-4


@dataclass(frozen=True)
class PairedTest:
    """Two systems by one measure, over the images whose truth both know alike.

    first_only, second_only: images that one of them alone has right; None with several runs.
    difference: first minus second, of the shares of all these images that are right, with a
    bootstrap interval over images. p_value: exact McNemar test, two-sided, that they are equally
    good; None with several runs. p_adjusted: by Holm's method over the pairs of this measure.
    """

    first: str
    second: str
    measure: str
    num_images: int
    first_only: int | None
    second_only: int | None
    difference: Figure
    p_value: float | None
    p_adjusted: float | None = None


def paired_tests(
    runs: Mapping[str, Sequence[Outcomes]], measuring: Measuring
) -> tuple[PairedTest, ...]:
    """Every pair of systems by every measure; each has one run or more.

    A pair without a common image has no test.
    """
    pairs = [_Pair(first, second, runs[first], runs[second]) for first, second in
             combinations(runs, 2)]  # fmt: skip
    found: list[PairedTest] = []
    measures: tuple[str | float, ...] = ("country", "city", *measuring.thresholds_km)
    for measure in measures:
        tests = [pair.test(measure, measuring) for pair in pairs]
        found += _adjusted([test for test in tests if test.num_images])
    return tuple(found)


class _Pair:
    """Two systems with the images that all their runs were asked about."""

    def __init__(
        self, first: str, second: str, runs: Sequence[Outcomes], others: Sequence[Outcomes]
    ) -> None:
        self._names = first, second
        self._num_first = len(runs)
        self._runs = [*runs, *others]
        rows = [{one: row for row, one in enumerate(run.image_ids)} for run in self._runs]
        common = [one for one in rows[0] if all(one in other for other in rows[1:])]
        self._rows = [np.array([of[one] for one in common], dtype=np.int64) for of in rows]

    def test(self, measure: str | float, measuring: Measuring) -> PairedTest:
        judged = [
            _judged(run, rows, measure, measuring)
            for run, rows in zip(self._runs, self._rows, strict=True)
        ]
        counts = np.logical_and.reduce(
            [one.known & _same(one.truth, judged[0].truth) for one in judged]
        )
        right = np.array([one.right[counts] for one in judged], dtype=np.float64)
        shares = right[: self._num_first].mean(axis=0), right[self._num_first :].mean(axis=0)
        is_single = len(self._runs) == 2
        first_only, second_only = (
            int((shares[0] > shares[1]).sum()),
            int((shares[0] < shares[1]).sum()),
        )
        return PairedTest(
            *self._names,
            measure=f"{measuring.within} {measure:g} km" if isinstance(measure, float) else measure,
            num_images=int(counts.sum()),
            first_only=first_only if is_single else None,
            second_only=second_only if is_single else None,
            difference=bootstrap_mean(shares[0] - shares[1], measuring.seed),
            p_value=mcnemar(first_only, second_only) if is_single else None,
        )


@dataclass(frozen=True)
class _Judged:
    """One run by one measure [num_common]: which images count, what is true, which are right."""

    known: Mask
    truth: Keys | Floats
    right: Mask


def _judged(
    found: Outcomes, rows: NDArray[np.int64], measure: str | float, measuring: Measuring
) -> _Judged:
    if isinstance(measure, float):
        near = is_within(found.distance_km[rows], measure, measuring)
        return _Judged(found.placed[rows], found.points[rows], near)
    level = found.country if measure == "country" else found.city
    return _Judged(level.known[rows], level.truth[rows], level.correct[rows])


def _same(truth: Keys | Floats, other: Keys | Floats) -> Mask:
    """Where two runs were judged by one truth; positions may be rounded differently."""
    if truth.ndim == 1:
        return np.asarray(truth == other, dtype=bool)
    return np.asarray((np.abs(truth - other) < _SAME_DEGREES).all(axis=1), dtype=bool)


def mcnemar(first_only: int, second_only: int) -> float:
    """The exact two-sided p-value of McNemar's test: a binomial test of the images in dispute."""
    from scipy.stats import binomtest

    disputed = first_only + second_only
    return float(binomtest(first_only, disputed, 0.5).pvalue) if disputed else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values that hold for all of them together (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, number in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[number]))
        adjusted[number] = highest
    return adjusted


def _adjusted(tests: list[PairedTest]) -> list[PairedTest]:
    given = [test.p_value for test in tests if test.p_value is not None]
    adjusted = iter(holm(given))
    return [
        replace(test, p_adjusted=next(adjusted)) if test.p_value is not None else test
        for test in tests
    ]
