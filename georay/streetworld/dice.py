"""Seeded chance: every decision of a scene comes from one stream that depends on nothing else."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
_BLOCK = 256


class Dice:
    """A stream of random decisions keyed by integers, the same on every machine.

    Numbers come from Philox in blocks, because one scene asks for about a thousand of them and a
    call into numpy for each would cost more than the drawing.
    """

    def __init__(self, seed: int, *path: int) -> None:
        sequence = np.random.SeedSequence(entropy=seed, spawn_key=path)
        self._generator = np.random.Generator(np.random.Philox(sequence))
        self._left: list[float] = []

    def unit(self) -> float:
        """A number in [0, 1)."""
        if not self._left:
            self._left = self._generator.random(_BLOCK).tolist()
        return self._left.pop()

    def between(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self.unit()

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.unit() < probability

    def index(self, count: int) -> int:
        """An integer in [0, count)."""
        return int(self.unit() * count)

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, each equally likely."""
        return options[self.index(len(options))]

    def weighted(self, options: Sequence[tuple[T, float]]) -> T:
        """One of the (option, weight) pairs, as likely as its weight says."""
        left = self.unit() * sum(weight for _, weight in options)
        for option, weight in options:
            left -= weight
            if left < 0:
                return option
        return options[-1][0]
