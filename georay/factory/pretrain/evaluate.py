"""How well the tiny base answers about scenes it was not trained on, per kind of question."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import torch

from georay.factory.pretrain.packing import Packer, read_answers
from georay.factory.pretrain.scenes import AskedScene
from georay.models.families.qwen_vl import QwenVLFamily
from georay.streetworld.words.questions import QUESTION_KINDS, Pair
from georay.streetworld.words.questions_facts import QuestionKind

_BATCH = 4


@dataclass(frozen=True)
class KindScore:
    """One kind of question on held-out scenes.

    loss: mean over answers of the mean loss of a token. exact: share of answers that greedy
    decoding gives word for word. commonest: the share that the commonest answer to the same
    question in training would get right without a look at the picture.
    """

    num_questions: int
    loss: float
    exact: float
    commonest: float


@dataclass(frozen=True)
class Evaluation:
    """Scores by kind of question, and over all questions."""

    kinds: Mapping[QuestionKind, KindScore]
    all: KindScore

    def as_text(self) -> str:
        """A Markdown table."""
        rows = [*self.kinds.items(), ("all", self.all)]
        lines = [
            f"| {name} | {score.num_questions:,} | {score.loss:.3f} | {score.exact:.3f} "
            f"| {score.commonest:.3f} |"
            for name, score in rows
        ]
        head = "| questions | number | loss | exact | commonest answer |\n|---|---|---|---|---|"
        return "\n".join([head, *lines])

    def as_json(self) -> dict[str, object]:
        scores = {name: asdict(score) for name, score in self.kinds.items()}
        return {"kinds": scores, "all": asdict(self.all)}


def evaluate(
    family: QwenVLFamily, scenes: Sequence[AskedScene], commonest: Mapping[str, str]
) -> Evaluation:
    """Asks every question about every scene; `commonest`: the usual answer to each topic.

    Greedy decoding gives an answer word for word exactly if every token of it, given those
    before, is the likeliest: so one pass through the network tells both loss and matches.
    """
    packer = Packer(family)
    rows: dict[QuestionKind, list[tuple[float, float, float]]] = defaultdict(list)
    for first in range(0, len(scenes), _BATCH):
        chunk = scenes[first : first + _BATCH]
        pairs = [[(pair.question, pair.answer) for pair in scene.questions] for scene in chunk]
        batch = packer.pack([scene.picture() for scene in chunk], pairs)
        with torch.inference_mode():
            losses, exact = read_answers(family.network, batch).by_answer()
        asked = (pair for scene in chunk for pair in scene.questions)
        for pair, loss, right in zip(asked, losses.tolist(), exact.tolist(), strict=True):
            usual = commonest.get(pair.topic) == pair.answer
            rows[pair.kind].append((loss, float(right), float(usual)))
    kinds = {kind: _score(rows[kind]) for kind in QUESTION_KINDS if rows[kind]}
    return Evaluation(kinds, _score([row for each in rows.values() for row in each]))


def commonest_answers(pairs: Iterable[Pair]) -> dict[str, str]:
    """The commonest answer to each topic."""
    tallies: dict[str, Counter[str]] = defaultdict(Counter)
    for pair in pairs:
        tallies[pair.topic][pair.answer] += 1
    return {topic: tally.most_common(1)[0][0] for topic, tally in tallies.items()}


def _score(rows: Sequence[tuple[float, float, float]]) -> KindScore:
    loss, exact, commonest = (sum(column) / len(rows) for column in zip(*rows, strict=True))
    return KindScore(len(rows), loss, exact, commonest)
