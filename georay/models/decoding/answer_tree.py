"""Answers that branch: many continuations of one prompt scored on one shared KV cache.

A prompt with a picture is read once. Tokens that could follow are added as nodes of a tree: each
sees the prompt and its own ancestors only, through a 4-D attention mask, and stands at the position
that it would have if it were the only answer. So a node's scores are those of a plain forward
pass, and a whole trie of names costs about as much as a prompt of as many tokens.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from georay.models.families.base import Batch, on_device_of

ROOT = -1  # the node of the prompt's last token
_MASKABLE = ("sdpa", "eager")

LogProbabilities = NDArray[np.float64]


class AnswerTree:
    """The tree above one prompt. Its cache grows with every node; drop it with its picture."""

    @torch.inference_mode()
    def __init__(self, network: PreTrainedModel, prompt: Batch) -> None:
        """prompt: one encoded row. Raises ValueError for an attention that takes no 4-D mask."""
        if network.config._attn_implementation not in _MASKABLE:
            raise ValueError(
                f"ranking needs attention that takes a mask of its own ({' or '.join(_MASKABLE)}), "
                f"and this network was loaded with {network.config._attn_implementation!r}"
            )
        assert prompt["input_ids"].shape[0] == 1 and bool(prompt["attention_mask"].all())
        self._network: Any = network
        inputs = on_device_of(network, prompt)
        outputs = self._network(**inputs, use_cache=True, logits_to_keep=1)
        self._cache = outputs.past_key_values
        self._num_given = prompt["input_ids"].shape[1]
        self._start = self._num_given + _position_shift(network)
        self._root_logits = outputs.logits[0, -1]
        self._lines: list[list[int]] = []  # per node: its ancestors and itself

    def __len__(self) -> int:
        return len(self._lines)

    def root_scores(self, asked: Sequence[int]) -> LogProbabilities:
        """Log-probabilities of tokens that follow the prompt itself."""
        return _log_probabilities(self._root_logits[None], [asked])[0]

    @torch.inference_mode()
    def grow(
        self, tokens: Sequence[int], parents: Sequence[int], asked: Sequence[Sequence[int]]
    ) -> list[LogProbabilities]:
        """Adds a node per token and scores what may follow each; nodes count up from 0.

        parents: the node that each token follows, ROOT for the prompt; it may be one of the new
        nodes that comes before. asked: per new node, the tokens whose log-probabilities to return.
        """
        old = len(self._lines)
        for number, parent in enumerate(parents, start=old):
            above = [] if parent == ROOT else self._lines[parent]
            self._lines.append([*above, number])
        lines = self._lines[old:]
        device = self._network.device
        positions = torch.tensor([[self._start + len(line) - 1 for line in lines]], device=device)
        outputs = self._network(
            input_ids=torch.tensor([list(tokens)], device=device),
            attention_mask=self._mask(lines),
            position_ids=positions,
            past_key_values=self._cache,
            use_cache=True,
        )
        return _log_probabilities(outputs.logits[0], asked)

    def _mask(self, lines: Sequence[Sequence[int]]) -> torch.Tensor:
        """[1, 1, new nodes, prompt + all nodes]: added to attention, 0 where a node may look."""
        rows = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
        columns = self._num_given + np.concatenate([np.array(line) for line in lines])
        seen = np.zeros((len(lines), self._num_given + len(self._lines)), dtype=np.bool_)
        seen[:, : self._num_given] = True
        seen[rows, columns] = True
        dtype = self._network.dtype
        mask = torch.zeros(seen.shape, dtype=dtype)
        mask.masked_fill_(torch.from_numpy(~seen), torch.finfo(dtype).min)
        return mask[None, None].to(self._network.device)


def _position_shift(network: PreTrainedModel) -> int:
    """What Qwen2.5-VL and Qwen3-VL add to positions behind pictures, whose places are a grid."""
    inner: Any = getattr(network, "model", None)
    shift = getattr(inner, "rope_deltas", None)
    return 0 if shift is None else int(shift.item())


def _log_probabilities(
    logits: torch.Tensor, asked: Sequence[Sequence[int]]
) -> list[LogProbabilities]:
    """Per row of logits [rows, vocabulary], the log-probabilities of the tokens asked for."""
    wide = logits.float()
    counts = [len(tokens) for tokens in asked]
    rows = torch.arange(len(asked)).repeat_interleave(torch.tensor(counts))
    columns = torch.tensor([token for tokens in asked for token in tokens], dtype=torch.long)
    picked = wide[rows.to(wide.device), columns.to(wide.device)]
    scores = (picked - wide.logsumexp(dim=-1)[rows.to(wide.device)]).double().cpu().numpy()
    return np.split(scores, np.cumsum(counts)[:-1])
