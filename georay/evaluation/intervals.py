"""95 % intervals of shares, means, medians and F1."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

_CONFIDENCE = 0.95
_DRAWS = 10_000


@dataclass(frozen=True)
class Figure:
    """A figure with the ends of its 95 % interval; all None where it is undefined (0 of 0)."""

    value: float | None
    low: float | None
    high: float | None

    def as_text(self) -> str:
        if self.value is None:
            return "-"
        return f"{self.value:.4f} [{self.low:.3f}, {self.high:.3f}]"


UNDEFINED = Figure(None, None, None)


def share(count: int, total: int) -> Figure:
    """A share with Wilson's score interval, which stays inside [0, 1] and holds for few images."""
    if total == 0:
        return UNDEFINED
    from scipy.stats import binomtest

    # Tested against what was seen, since the test's p-value is not wanted and then needs no search.
    tested = binomtest(count, total, count / total)
    interval = tested.proportion_ci(_CONFIDENCE, method="wilson")
    return Figure(count / total, float(interval.low), float(interval.high))


def mean_of(values: NDArray[np.float64]) -> Figure:
    """The mean of [number] values, with Student's interval; no interval for a single one."""
    if len(values) < 2:
        return Figure(float(values[0]), None, None) if len(values) else UNDEFINED
    from scipy.stats import t

    ordered = np.sort(values)  # sums depend on the order
    half = t.ppf(0.5 + _CONFIDENCE / 2, len(values) - 1) * ordered.std(ddof=1) / sqrt(len(values))
    mean = float(ordered.mean())
    return Figure(mean, float(mean - half), float(mean + half))


def median_of(values: NDArray[np.float64]) -> Figure:
    """The median of [number] values, with the interval between two of them that holds whatever
    their distribution; no interval for fewer than six.
    """
    if not len(values):
        return UNDEFINED
    from scipy.stats import binom

    ordered = np.sort(values)
    # The k-th smallest and k-th largest hold the median between them unless fewer than k values
    # are on one side of it.
    below = int(binom.ppf((1 - _CONFIDENCE) / 2, len(values), 0.5))
    median = float(np.median(ordered))
    if binom.cdf(below, len(values), 0.5) > (1 - _CONFIDENCE) / 2:
        below -= 1
    if below < 0:
        return Figure(median, None, None)
    return Figure(median, float(ordered[below]), float(ordered[-1 - below]))


def f1(accuracy: float | None, recall: float) -> float:
    """2AR / (A + R) as the paper has it (section 4.2.2); 0 where no answer was effective."""
    if accuracy is None or accuracy + recall == 0:
        return 0.0
    return 2 * accuracy * recall / (accuracy + recall)


def f1_of_counts(num_correct: int, num_effective: int, num_images: int, seed: int) -> Figure:
    """F1 with a percentile bootstrap interval over images.

    An image is right, wrong or without an effective answer, and drawing images with replacement
    is drawing those three counts: the result depends on nothing but them and the seed.
    """
    if num_images == 0:
        return UNDEFINED
    outcomes = np.array([num_correct, num_effective - num_correct, num_images - num_effective])
    draws = np.random.default_rng(seed).multinomial(num_images, outcomes / num_images, _DRAWS)
    correct, effective = draws[:, 0], draws[:, 0] + draws[:, 1]
    accuracy, recall = correct / np.maximum(effective, 1), effective / num_images
    total = accuracy + recall
    values = np.divide(2 * accuracy * recall, total, out=np.zeros(_DRAWS), where=total > 0)
    low, high = np.quantile(values, (0.025, 0.975)).tolist()
    accuracy_seen = num_correct / num_effective if num_effective else None
    return Figure(f1(accuracy_seen, num_effective / num_images), low, high)


def bootstrap_mean(values: NDArray[np.float64], seed: int) -> Figure:
    """The mean of [number] values, few of which differ, with a percentile bootstrap interval.

    Drawing values with replacement is drawing how often each different one comes.
    """
    if not len(values):
        return UNDEFINED
    different, counts = np.unique(values, return_counts=True)
    draws = np.random.default_rng(seed).multinomial(len(values), counts / len(values), _DRAWS)
    low, high = np.quantile(draws @ different / len(values), (0.025, 0.975)).tolist()
    return Figure(float(different @ counts / len(values)), low, high)
