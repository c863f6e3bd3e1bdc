"""How many jobs share one pass of the model: alike in their options, near in their length."""

import math
from collections.abc import Hashable, Iterator, Sequence
from typing import Protocol

from georay.config.serve import ServeRecipe
from georay.models.registry import REGISTRY

_PATCH = 28 * 28  # pixels that become one token in Qwen2.5-VL and Qwen3-VL, the only ones that vary
_QUESTION_TOKENS = 96
_MOST_PIXELS = 1280 * _PATCH  # of a picture, where a model does not say it


class SizedJob(Protocol):
    """A job that knows its options and its length."""

    @property
    def options(self) -> Hashable: ...

    @property
    def num_slots(self) -> int: ...


class SlotCounter:
    """Counts how many places of a batch a question takes, by the tokens that it becomes."""

    def __init__(self, recipe: ServeRecipe) -> None:
        spec = REGISTRY.get(recipe.model)
        self._max_pixels = (spec.max_pixels if spec else None) or _MOST_PIXELS
        self._size = recipe.batching.max_batch_size
        self._tokens_per_slot = recipe.batching.max_batch_tokens / self._size

    def count(self, sizes: Sequence[tuple[int, int]], num_answer_tokens: int) -> int:
        """For one question about pictures of these (width, height), at least 1.

        A question larger than a batch fills one alone.
        """
        pictures = sum(self._tokens(width * height) for width, height in sizes)
        tokens = pictures + _QUESTION_TOKENS + num_answer_tokens
        return min(self._size, max(1, math.ceil(tokens / self._tokens_per_slot)))

    def _tokens(self, num_pixels: int) -> int:
        return math.ceil(min(num_pixels, self._max_pixels) / _PATCH)


def num_slots(jobs: Sequence[SizedJob]) -> int:
    """The places that jobs take together: all are padded to the longest."""
    return len(jobs) * max(job.num_slots for job in jobs)


def passes(jobs: Sequence[SizedJob]) -> Iterator[list[int]]:
    """Positions of the jobs of each pass of the model: equal options, the longest first."""
    groups: dict[Hashable, list[int]] = {}
    for position, job in enumerate(jobs):
        groups.setdefault(job.options, []).append(position)
    for positions in groups.values():
        yield sorted(positions, key=lambda position: -jobs[position].num_slots)
