"""Questions about a drawn scene and their true answers, without a word on where it is.

The tiny base model is trained on them: it learns to see and to speak, and leaves countries and
cities to the two stages of tuning (paper, section 3.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from georay.streetworld.dice import Dice
from georay.streetworld.scene import Scene
from georay.streetworld.words.english import with_articles
from georay.streetworld.words.questions_facts import Fact, QuestionKind, facts_of
from georay.streetworld.words.questions_places import names_place

QUESTION_KINDS: tuple[QuestionKind, ...] = get_args(QuestionKind)
_PRESENCES = 3  # of what is there, and of what is not


@dataclass(frozen=True)
class Pair:
    """A question and its answer. `topic` is what it asks for, whatever the wording."""

    kind: QuestionKind
    topic: str
    question: str
    answer: str


def questions_of(scene: Scene) -> tuple[Pair, ...]:
    """The questions about a scene; the same scene gives the same ones.

    None of their texts names a country, a city or a people. A sign that does is not asked for.
    """
    dice = Dice(scene.seed, scene.index, 3)
    facts = list(facts_of(scene))
    absent = [fact for fact in facts if (fact.kind, fact.answer) == ("presence", "no")]
    present = [fact for fact in facts if (fact.kind, fact.answer) == ("presence", "yes")]
    asked = [fact for fact in facts if fact.kind != "presence"]
    asked += _some(absent, dice) + _some(present, dice)
    pairs = (_pair(fact, dice) for fact in asked)
    return tuple(p for p in pairs if not names_place(p.question) and not names_place(p.answer))


def _some(facts: list[Fact], dice: Dice) -> list[Fact]:
    left = list(facts)
    return [left.pop(dice.index(len(left))) for _ in range(min(_PRESENCES, len(left)))]


def _pair(fact: Fact, dice: Dice) -> Pair:
    topic = f"{fact.kind} of {fact.subject}" if fact.subject else fact.kind
    wordings = _WORDINGS_OF_TOPIC.get(topic) or _WORDINGS[fact.kind]
    question = dice.pick(wordings).format(subject=fact.subject)
    return Pair(fact.kind, topic, question, with_articles(fact.answer))


def balanced(topics: Sequence[str], answers: Sequence[str], most: float, seed: int) -> list[int]:
    """Which questions to keep, in order, so that no topic's commonest answer exceeds `most`.

    Of a commonest answer as many are kept, by chance, as `most` allows; a topic with a single
    answer goes whole. Raises ValueError unless 0.5 ≤ most < 1.
    """
    if not 0.5 <= most < 1:
        raise ValueError(f"the largest share of an answer must be in [0.5, 1), got {most}")
    rows_of: dict[str, dict[str, list[int]]] = {}
    for row, (topic, answer) in enumerate(zip(topics, answers, strict=True)):
        rows_of.setdefault(topic, {}).setdefault(answer, []).append(row)
    left_out: set[int] = set()
    for number, topic in enumerate(sorted(rows_of)):
        by_answer = sorted(rows_of[topic].items(), key=lambda entry: (-len(entry[1]), entry[0]))
        commonest, others = by_answer[0][1], sum(len(rows) for _, rows in by_answer[1:])
        allowed = int(most / (1 - most) * others + 1e-9)
        order = np.random.default_rng((seed, number)).permutation(len(commonest))
        left_out |= {commonest[place] for place in order[allowed:]}
    return [row for row in range(len(topics)) if row not in left_out]


_WORDINGS: dict[QuestionKind, tuple[str, ...]] = {
    "description": (
        "Describe the scene.",
        "What does the picture show?",
        "Write a caption for this picture.",
    ),
    "layout": (
        "Name what covers each cell of a 4 by 4 grid, row by row.",
        "What fills the picture, cell by cell in a grid of 4 by 4?",
    ),
    "detail": (
        "Describe the {subject}.",
        "Tell me about the {subject}.",
        "What can be said of the {subject}?",
    ),
    "colour": ("What colour is the {subject}?", "Which colour does the {subject} have?"),
    "count": (
        "How many {subject} are there, counting those that touch as one?",
        "Count the {subject}, those that touch as one.",
    ),
    "presence": ("Can you see {subject}?", "Does the picture show {subject}?"),
    "side": (
        "Is the {subject} on the left or on the right?",
        "In which half of the picture is the {subject}?",
    ),
    "script": (
        "In which script is the largest shop sign written?",
        "What kind of writing is on the largest shop sign?",
    ),
    "sign": ("What does the largest shop sign say?", "Read the largest shop sign."),
}
_WORDINGS_OF_TOPIC: dict[str, tuple[str, ...]] = {
    "setting of place": ("What kind of place is this?", "What kind of scene is it?"),
    "setting of weather": ("What is the weather like?", "How is the light and the weather?"),
    "side of traffic": (
        "On which side of the road does traffic keep?",
        "Does traffic keep left or right?",
    ),
}
