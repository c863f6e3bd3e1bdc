"""Several questions about one picture in one sequence, each as if it were asked alone.

The picture dominates the cost of a short question. Here it is read once: the prompt up to its end
is the stem that all questions share, and each goes on from there as a branch of its own, which
sees the stem and itself only, at the positions it would have had alone. So the loss is that of
separate conversations, and training speaks the prompt of inference.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from georay.core.prompts import Conversation
from georay.models.families.base import IGNORED
from georay.models.families.qwen_vl import QwenVLFamily, QwenVLForConditionalGeneration

_STEM = 0
_PADDING = -1


@dataclass(frozen=True)
class Branch:
    """What follows the picture: the rest of the prompt, then the answer to learn."""

    context: list[int]
    target: list[int]


@dataclass(frozen=True)
class PackedBatch:
    """One row per picture. `answers` [batch, tokens] numbers the batch's answers, -1 elsewhere."""

    input_ids: Tensor
    mask: Tensor
    position_ids: Tensor
    labels: Tensor
    answers: Tensor
    pixels: Tensor


@dataclass(frozen=True)
class AnswerTokens:
    """Per token to learn: its loss, whether the network would have said it, and whose it is."""

    loss: Tensor
    right: Tensor
    answer: Tensor

    def weighted_loss(self) -> Tensor:
        """One number to minimise: a long answer counts more than a short one, by its root."""
        weight = torch.bincount(self.answer)[self.answer].float().rsqrt()
        return (self.loss * weight).sum() / weight.sum()

    def by_answer(self) -> tuple[Tensor, Tensor]:
        """Mean loss of every answer, and whether greedy decoding would give it word for word."""
        count = torch.bincount(self.answer)
        loss = torch.bincount(self.answer, self.loss.double()) / count
        return loss, torch.bincount(self.answer, self.right.double()) == count


class Packer:
    """Turns pictures with questions and answers into batches for one model."""

    def __init__(self, family: QwenVLFamily) -> None:
        self._family = family
        self._image_end = family.network.config.vision.image_end_id
        self._stem, _ = self._cut("?", "!")
        self._branches: dict[tuple[str, str], Branch] = {}

    def pack(
        self, pictures: Sequence[Image.Image], asked: Sequence[Sequence[tuple[str, str]]]
    ) -> PackedBatch:
        """One picture and its (question, answer) pairs per row, padded on the right."""
        rows = [self._row([self._branch(*pair) for pair in pairs]) for pairs in asked]
        longest = max(len(row) for row in rows)
        padding = [self._family.tokenizer.pad_token_id, _PADDING, 0, IGNORED]
        grid = np.full((len(rows), longest, 4), padding, np.int64)
        for place, row in enumerate(rows):
            grid[place, : len(row)] = row
        ids, branches, positions, labels = map(torch.from_numpy, np.moveaxis(grid, -1, 0).copy())
        return PackedBatch(
            input_ids=ids,
            mask=_mask(branches),
            position_ids=positions,
            labels=labels,
            answers=_numbered(branches),
            pixels=self._family.processor.pixels(pictures),
        )

    def _row(self, branches: Sequence[Branch]) -> list[tuple[int, int, int, int]]:
        """(token, branch, position, label) of every token."""
        row = [(token, _STEM, place, IGNORED) for place, token in enumerate(self._stem)]
        for number, branch in enumerate(branches, _STEM + 1):
            given = [(token, IGNORED) for token in branch.context]
            learnt = [(token, token) for token in branch.target]
            row += [
                (token, number, len(self._stem) + place, label)
                for place, (token, label) in enumerate(given + learnt)
            ]
        return row

    def _branch(self, question: str, answer: str) -> Branch:
        key = (question, answer)
        if key not in self._branches:
            self._branches[key] = self._cut(question, answer)[1]
        return self._branches[key]

    def _cut(self, question: str, answer: str) -> tuple[list[int], Branch]:
        """The ids up to the picture's end, and those behind it."""
        context, target = self._family.learnt_ids(Conversation(question, answer=answer))
        end = context.index(self._image_end) + 1
        return context[:end], Branch(context[end:], target)


def read_answers(network: QwenVLForConditionalGeneration, batch: PackedBatch) -> AnswerTokens:
    """What the network makes of the answers, every token given those before it."""
    hidden = network.transformer(
        input_ids=batch.input_ids,
        pixel_values=batch.pixels,
        attention_mask=batch.mask,
        position_ids=batch.position_ids,
        use_cache=False,
    ).last_hidden_state
    learnt = batch.labels[:, 1:] != IGNORED
    labels = batch.labels[:, 1:][learnt]
    logits = network.lm_head(hidden[:, :-1][learnt]).float()  # only where something is learnt
    return AnswerTokens(
        loss=functional.cross_entropy(logits, labels, reduction="none"),
        right=logits.argmax(dim=-1) == labels,
        answer=batch.answers[:, 1:][learnt],
    )


def _mask(branches: Tensor) -> Tensor:
    """[batch, 1, tokens, tokens], True where a token sees another: the stem and its own branch."""
    tokens = branches.shape[1]
    earlier = torch.ones(tokens, tokens, dtype=torch.bool).tril()
    seen, seer = branches[:, None, None, :], branches[:, None, :, None]
    return earlier & ((seen == _STEM) | (seen == seer))


def _numbered(branches: Tensor) -> Tensor:
    """Branches numbered over the whole batch from 0, -1 on stems and padding."""
    most = branches.amax(dim=1)
    before = (most.cumsum(0) - most)[:, None]
    return torch.where(branches > _STEM, branches - 1 + before, -1)
