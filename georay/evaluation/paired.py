"""Whether one system is better than another on the same images, and how sure that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from georay.evaluation.intervals import Figure, bootstrap_mean
from georay.evaluation.metrics import Measuring, is_within
from georay.evaluation.outcomes import Keys, Mask, Outcomes

Floats = NDArray[np.float64]


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


@dataclass(frozen=True)
class _Judged:
    """One run by one measure: which images count, what is true of them, and which are right."""

    ids: tuple[str, ...]
    known: Mask
    truth: Keys
    right: Mask


def paired_tests(
    runs: Mapping[str, Sequence[Outcomes]], measuring: Measuring
) -> tuple[PairedTest, ...]:
    """Every pair of systems by every measure; each has one run or more.

    A pair without a common image has no test.
    """
    found: list[PairedTest] = []
    for measure in ("country", "city", *measuring.thresholds_km):
        name = measure if isinstance(measure, str) else f"{measuring.within} {measure:g} km"
        judged = {
            label: [_judged(one, measure, measuring) for one in some]
            for label, some in runs.items()
        }
        tests = [
            _test(pair, name, judged[pair[0]], judged[pair[1]], measuring.seed)
            for pair in combinations(judged, 2)
        ]
        found += _adjusted([test for test in tests if test.num_images])
    return tuple(found)


def _judged(found: Outcomes, measure: str | float, measuring: Measuring) -> _Judged:
    if isinstance(measure, float):
        rounded = found.points.round(5)
        where = np.array([tuple(point) for point in rounded.tolist()] + [None], dtype=object)[:-1]
        near = is_within(found.distance_km, measure, measuring)
        return _Judged(found.image_ids, found.placed, where, near)
    level = found.country if measure == "country" else found.city
    return _Judged(found.image_ids, level.known, level.truth, level.correct)


def _test(
    labels: tuple[str, str],
    measure: str,
    first: Sequence[_Judged],
    second: Sequence[_Judged],
    seed: int,
) -> PairedTest:
    common = _common([*first, *second])
    shares = [_share_right(some, common) for some in (first, second)]
    is_single = len(first) == len(second) == 1
    first_only = int((shares[0] > shares[1]).sum()) if is_single else None
    second_only = int((shares[0] < shares[1]).sum()) if is_single else None
    return PairedTest(
        *labels,
        measure=measure,
        num_images=len(common),
        first_only=first_only,
        second_only=second_only,
        difference=bootstrap_mean(shares[0] - shares[1], seed),
        p_value=None
        if first_only is None or second_only is None
        else mcnemar(first_only, second_only),
    )


def _common(runs: Sequence[_Judged]) -> list[str]:
    """Images whose truth all runs know, and know alike, in the order of the first."""
    truths = [
        {one: truth for one, truth, known in zip(r.ids, r.truth, r.known, strict=True) if known}
        for r in runs
    ]
    return [
        one
        for one, truth in truths[0].items()
        if all(other.get(one) == truth for other in truths[1:])
    ]


def _share_right(runs: Sequence[_Judged], common: Sequence[str]) -> Floats:
    """[num_common] in how many of the runs each image is right."""
    right = [dict(zip(run.ids, run.right.tolist(), strict=True)) for run in runs]
    return np.array([[of_run[one] for one in common] for of_run in right], float).mean(axis=0)


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
