"""What tuning builds on beside sight: answers in the form of JSON, and names without prejudice.

Tuning asks for a country and a town as JSON. Here the same form is learnt with keys and values that
name no place, and the output rows of words that no lesson used are set back: every lesson's softmax
pushed them down, all in one direction, and tuning would first have to undo that.
"""

import json
from collections.abc import Iterable, Sequence

import torch
from torch import nn

from georay.models.families.qwen_vl import QwenVLFamily
from georay.streetworld.words.questions import Pair

_PER_FORM = 2
_SPREAD = 0.5  # of the used rows' own


def as_form(pairs: Sequence[Pair]) -> tuple[str, str]:
    """One question for several facts at once, and its answer as JSON."""
    facts = {pair.topic: pair.answer for pair in pairs}
    return f"Answer as JSON: {', '.join(facts)}.", json.dumps(facts, ensure_ascii=False)


def half_as_forms(pairs: Sequence[Pair]) -> list[tuple[str, str]]:
    """The first half as it is, the rest asked for as forms."""
    half = len(pairs) // 2
    plain = [(pair.question, pair.answer) for pair in pairs[:half]]
    rest = range(half, len(pairs), _PER_FORM)
    return plain + [as_form(pairs[first : first + _PER_FORM]) for first in rest]


@torch.no_grad()
def forget_unused_words(family: QwenVLFamily, answers: Iterable[str], seed: int) -> None:
    """Sets the output rows of words that stand in no answer to the others' mean, with noise."""
    head: nn.Linear = family.network.lm_head
    used = torch.zeros(head.weight.shape[0], dtype=torch.bool)
    used[family.tokenizer.eos_token_id] = True  # ends every answer
    for answer in set(answers):
        used[family.tokenizer(answer)["input_ids"]] = True
    rows = head.weight[used]
    noise = torch.randn(
        (int((~used).sum()), rows.shape[1]), generator=torch.Generator().manual_seed(seed)
    )
    head.weight[~used] = rows.mean(dim=0) + _SPREAD * rows.std(dim=0) * noise
