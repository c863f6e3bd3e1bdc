"""Batches questions so that one that cannot be answered fails alone."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from PIL import Image

from georay.core.prompts import INFERENCE, Conversation
from georay.models.families.base import Exchange, Family, Sampling

Question = TypeVar("Question")
Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


def together_or_apart(
    answer: Callable[[Sequence[Question]], Sequence[Answer]], questions: Sequence[Question]
) -> list[Answer | Exception]:
    """What `answer` gives for each question, in order, or the problem that it alone has.

    Questions whose pass fails are asked again one by one.
    """
    if not questions:
        return []
    try:
        return list(answer(questions))
    except Exception as problem:  # a network raises anything: out of memory, an index, a type
        if len(questions) == 1:
            return [problem]
        _log.warning("a pass of %d failed (%r); asking one by one", len(questions), problem)
    return [one for question in questions for one in together_or_apart(answer, [question])]


def check_alive(family: Family) -> None:
    """Asks a small question that any model can answer.

    Raises RuntimeError where no sane answer comes, and whatever a broken network raises.
    """
    grey = Image.new("RGB", (56, 56), "grey")
    exchange = Exchange((grey,), Conversation(INFERENCE.question))
    answers = family.generate(family.encode([exchange]), Sampling(max_new_tokens=1))
    if len(answers) != 1:
        raise RuntimeError(f"the model gave {len(answers)} answers to one question")
