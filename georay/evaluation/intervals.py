"""How sure a figure is: 95 % intervals of shares and of F1."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

_Z = 1.959963984540054  # the normal distribution's 97.5th percentile
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
    value, weight = count / total, _Z**2 / total
    centre = (value + weight / 2) / (1 + weight)
    half = _Z * sqrt(value * (1 - value) / total + weight / (4 * total)) / (1 + weight)
    # At 0 and at 1 the formula ends there exactly; rounding must not push it past the value.
    return Figure(value, max(0.0, min(value, centre - half)), min(1.0, max(value, centre + half)))


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
