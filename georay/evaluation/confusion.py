"""Counts which countries are mistaken for which."""

from collections import Counter
from dataclasses import dataclass

from georay.evaluation.outcomes import Outcomes


@dataclass(frozen=True)
class Mistaken:
    """`count` images of the country `truth` were answered with `answer` (alpha-2 codes)."""

    truth: str
    answer: str
    count: int


@dataclass(frozen=True)
class Confusion:
    """The countries of images that name one, right or wrong.

    right: images by country that were answered rightly. wrong: the others, most frequent first.
    """

    right: dict[str, int]
    wrong: tuple[Mistaken, ...]


def confusion_of(found: Outcomes) -> Confusion | None:
    """None where no answer names a country that the gazetteer has."""
    level = found.country
    pairs = Counter(
        (truth, answer)
        for truth, answer in zip(
            level.truth[level.effective], level.answer[level.effective], strict=True
        )
        if answer is not None
    )
    if not pairs:
        return None
    wrong = [Mistaken(*pair, count) for pair, count in pairs.items() if pair[0] != pair[1]]
    wrong.sort(key=lambda one: (-one.count, one.truth, one.answer))
    right = {truth: count for (truth, answer), count in sorted(pairs.items()) if truth == answer}
    return Confusion(right, tuple(wrong))
