"""Answers that branch: many continuations of some prompts scored on one shared KV cache.

Prompts with their pictures are read once, together. Tokens that could follow are added as nodes of
a tree above each: a node sees its prompt and its own ancestors only, through a 4-D attention mask,
and stands at the position that it would have if it were the only answer. So a node's scores are
those of a plain forward pass, and a whole trie of names costs about as much as a prompt of as many
tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from georay.models.families.base import Batch, on_device_of
from georay.models.families.growing_cache import growing_cache

ROOT = -1  # the node of the prompt's last token
_MASKABLE = ("sdpa", "eager")

LogProbabilities = NDArray[np.float64]


@dataclass(frozen=True)
class Chain:
    """New nodes one behind the other. parent: the node that the first follows, or ROOT.

    asked: for each of the tokens, those that may follow, whose log-probabilities are to be told.
    """

    parent: int
    tokens: Sequence[int]
    asked: Sequence[Sequence[int]]


@dataclass(frozen=True)
class Grown:
    """What became of a chain: its nodes, and for each of them what was asked."""

    nodes: range
    scores: list[LogProbabilities]


class AnswerTrees:
    """A tree above each prompt. Their cache grows with every node; drop it with its pictures."""

    @torch.inference_mode()
    def __init__(self, network: PreTrainedModel, prompts: Batch) -> None:
        """prompts: encoded rows, padded on the left if at all.

        Raises ValueError for an attention that takes no 4-D mask.
        """
        if network.config._attn_implementation not in _MASKABLE:
            raise ValueError(
                f"ranking needs attention that takes a mask of its own ({' or '.join(_MASKABLE)}), "
                f"and this network was loaded with {network.config._attn_implementation!r}"
            )
        self._network: Any = network
        self._given = prompts["attention_mask"].bool().cpu().numpy()
        inputs = on_device_of(network, prompts)
        outputs = self._network(
            **inputs, past_key_values=growing_cache(network), use_cache=True, logits_to_keep=1
        )
        self._cache = outputs.past_key_values
        self._starts = self._given.sum(axis=1) + _position_shifts(network)
        self._root_logits = outputs.logits[:, -1]
        # Per row and node: its ancestors and itself.
        self._lines: list[list[list[int]]] = [[] for _ in self._given]

    @property
    def num_rows(self) -> int:
        return len(self._given)

    def __len__(self) -> int:
        """The columns of the cache that nodes take in each row."""
        return len(self._lines[0])

    def forget(self) -> None:
        """Cuts every tree down to its prompt."""
        if len(self):
            self._cache.crop(-len(self))
        self._lines = [[] for _ in range(self.num_rows)]

    def root_scores(self, row: int, asked: Sequence[int]) -> LogProbabilities:
        """Log-probabilities of tokens that follow a prompt itself."""
        return _log_probabilities(self._root_logits[row : row + 1], [asked])[0]

    @torch.inference_mode()
    def grow(self, chains: Sequence[Sequence[Chain]]) -> list[list[Grown]]:
        """Adds chains to every row's tree, in one forward pass, and scores what may follow them.

        Rows with fewer new nodes are filled up with nodes that nothing sees.
        """
        old = len(self)
        added = [sum(len(chain.tokens) for chain in of_row) for of_row in chains]
        width = max(added)
        tokens = np.zeros((self.num_rows, width), dtype=np.int64)
        grown = [self._noted(row, of_row) for row, of_row in enumerate(chains)]
        for row, of_row in enumerate(chains):
            tokens[row, : added[row]] = [token for chain in of_row for token in chain.tokens]
            self._lines[row] += [[number] for number in range(old + added[row], old + width)]
        lines = [of_row[old:] for of_row in self._lines]
        depths = np.array([[len(line) for line in of_row] for of_row in lines])
        device = self._network.device
        outputs = self._network(
            input_ids=torch.from_numpy(tokens).to(device),
            attention_mask=self._mask(lines),
            position_ids=torch.from_numpy(self._starts[:, None] + depths - 1).to(device),
            past_key_values=self._cache,
            use_cache=True,
        )
        return [
            _scored(outputs.logits[row, : added[row]], of_row, grown[row])
            for row, of_row in enumerate(chains)
        ]

    def _noted(self, row: int, chains: Sequence[Chain]) -> list[range]:
        """The numbers of the chains' nodes in a row's tree, which then knows their ancestors."""
        lines, nodes = self._lines[row], []
        for chain in chains:
            line = [] if chain.parent == ROOT else lines[chain.parent]
            first = len(lines)
            for _ in chain.tokens:
                line = [*line, len(lines)]
                lines.append(line)
            nodes.append(range(first, len(lines)))
        return nodes

    def _mask(self, lines: Sequence[Sequence[Sequence[int]]]) -> torch.Tensor:
        """[rows, 1, new nodes, prompt + all nodes]: added to attention, 0 where a node may look."""
        num_given, num_new = self._given.shape[1], len(lines[0])
        seen = np.zeros((self.num_rows, num_new, num_given + len(self)), dtype=np.bool_)
        seen[:, :, :num_given] = self._given[:, None, :]
        for row, of_row in enumerate(lines):
            at = np.repeat(np.arange(num_new), [len(line) for line in of_row])
            columns = num_given + np.concatenate([np.array(line) for line in of_row])
            seen[row, at, columns] = True
        dtype = self._network.dtype
        mask = torch.zeros(seen.shape, dtype=dtype)
        mask.masked_fill_(torch.from_numpy(~seen), torch.finfo(dtype).min)
        return mask[:, None].to(self._network.device)


def _position_shifts(network: PreTrainedModel) -> NDArray[np.int64]:
    """What Qwen2.5-VL and Qwen3-VL add to positions behind pictures, whose places are a grid.

    [rows], or [1] where it is the same for all.
    """
    inner: Any = getattr(network, "model", None)
    shifts = getattr(inner, "rope_deltas", None)
    return np.zeros(1, np.int64) if shifts is None else shifts.reshape(-1).cpu().numpy()


def _scored(logits: torch.Tensor, chains: Sequence[Chain], nodes: Sequence[range]) -> list[Grown]:
    """logits: [nodes of these chains, vocabulary]."""
    if not chains:
        return []
    asked = [tokens for chain in chains for tokens in chain.asked]
    scores = _log_probabilities(logits, asked)
    stops = np.cumsum([len(one) for one in nodes]).tolist()
    starts = [0, *stops[:-1]]
    return [
        Grown(one, scores[start:stop])
        for one, start, stop in zip(nodes, starts, stops, strict=True)
    ]


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
