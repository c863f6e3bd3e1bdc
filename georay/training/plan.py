"""Plans which worker learns which sample in which step, from lengths and a seed.

A step's samples never depend on the number of workers, and every slot of a run can be found again
from its step alone: that is what makes a run resume inside an epoch and end on the same loss.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from georay.config.train import BatchRecipe

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Slot:
    """Samples that one worker takes through the network at once.

    A filler repeats samples without weight, where others still have work: all workers must meet
    in every collective call.
    """

    indices: tuple[int, ...]
    is_filler: bool = False


class Plan:
    """The steps of one stage over samples of known lengths."""

    def __init__(
        self,
        lengths: NDArray[np.int64],
        batches: BatchRecipe,
        num_epochs: int,
        seed: int,
        max_steps: int | None = None,
    ) -> None:
        """lengths: tokens of each sample, padding apart. Raises ValueError without samples."""
        if not len(lengths):
            raise ValueError("there is no sample to learn from")
        self._lengths, self._batches, self._seed = lengths, batches, seed
        self.steps_per_epoch = -(-len(lengths) // batches.global_batch)
        self.num_steps = num_epochs * self.steps_per_epoch
        if max_steps is not None:
            self.num_steps = min(self.num_steps, max_steps)
        self._epoch = lru_cache(maxsize=2)(self._make_epoch)

    def step(self, number: int) -> Indices:
        """The samples of a step, shortest first."""
        epoch, place = divmod(number, self.steps_per_epoch)
        return self._epoch(epoch)[place]

    def num_rounds(self, num_workers: int) -> int:
        """Slots that each worker goes through in a step."""
        return -(-self._batches.global_batch // (num_workers * self._batches.micro_batch))

    def slots(self, number: int, rank: int, num_workers: int) -> list[Slot]:
        """One worker's part of a step. In each round all workers have samples of like length."""
        samples = self.step(number)
        parts = np.array_split(samples, self.num_rounds(num_workers) * num_workers)
        mine = parts[rank::num_workers]
        return [
            Slot(tuple(part.tolist())) if len(part) else Slot((int(samples[0]),), is_filler=True)
            for part in mine
        ]

    def padding_share(self, num_workers: int) -> float:
        """The share of the first epoch's tokens that is padding."""
        padded = real = 0
        for number in range(min(self.steps_per_epoch, self.num_steps)):
            for rank in range(num_workers):
                for slot in self.slots(number, rank, num_workers):
                    lengths = self._lengths[list(slot.indices)]
                    padded += int(lengths.max()) * len(lengths)
                    real += 0 if slot.is_filler else int(lengths.sum())
        return 1 - real / padded

    def _make_epoch(self, epoch: int) -> list[Indices]:
        """Every sample once. Sorted by length within pools, and the pools' batches mixed again."""
        random = np.random.default_rng((self._seed, epoch))
        order = random.permutation(len(self._lengths))
        size, pool = (
            self._batches.global_batch,
            self._batches.global_batch * self._batches.length_pool,
        )
        batches = [
            batch
            for start in range(0, len(order), pool)
            for batch in _cut(self._by_length(order[start : start + pool]), size)
        ]
        # The short batch, if there is one, stays last: every other step has its full size.
        full = [batch for batch in batches if len(batch) == size]
        rest = [batch for batch in batches if len(batch) < size]
        return [full[place] for place in random.permutation(len(full))] + rest

    def _by_length(self, samples: Indices) -> Indices:
        return samples[np.argsort(self._lengths[samples], kind="stable")]


def _cut(samples: Indices, size: int) -> Iterator[Indices]:
    return (samples[start : start + size] for start in range(0, len(samples), size))
