"""The most probable candidates of a trie, exactly, without visiting the improbable ones."""

import heapq
from dataclasses import dataclass, field

import numpy as np

from georay.models.decoding.answer_tree import ROOT, AnswerTree, LogProbabilities
from georay.models.decoding.candidates import Node, TokenTrie

NODES_AT_ONCE = 256
_NODES_AT_ONCE_FOR_FEW = 64  # the best few are soon found: do not grow what none of them needs


@dataclass(frozen=True)
class Found:
    """Candidates with log-probabilities, the most probable first.

    `complete`: no other candidate of the trie is more probable than the last one here.
    """

    candidates: list[tuple[int, float]]
    complete: bool


@dataclass(order=True, slots=True)
class _Open:
    """A node not yet grown: nothing below it is more probable than it is."""

    improbability: float
    node: Node = field(compare=False)
    token: int = field(compare=False)
    parent: int = field(compare=False)


@dataclass(slots=True)
class _Growth:
    """Nodes to be grown in one forward pass, and where in the trie each of them is."""

    tokens: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    branches: list[list[tuple[int, Node]]] = field(default_factory=list)
    starts: list[tuple[int, float]] = field(default_factory=list)  # (place here, score above it)


class BestFirst:
    """Grows the most probable open nodes first, many at a time.

    A name's probability is at most that of each of its beginnings (A* with the bound 0), so
    what is found above every open node is found for good.
    """

    def __init__(self, tree: AnswerTree, trie: TokenTrie) -> None:
        self._tree = tree
        self._trie = trie
        self._open: list[_Open] = []
        self._found: list[tuple[int, float]] = []
        branches = trie.children(trie.root)
        scores = tree.root_scores([token for token, _ in branches])
        self._add(ROOT, 0.0, branches, scores)

    def best(self, count: int | None = None, max_nodes: int | None = None) -> Found:
        """The `count` best candidates, all of them if None.

        max_nodes: stop after growing so many, with the best found so far.
        """
        limit = None if max_nodes is None else len(self._tree) + max_nodes
        while self._open and not self._is_settled(count):
            if limit is not None and len(self._tree) >= limit:
                break
            self._grow(NODES_AT_ONCE if count is None else _NODES_AT_ONCE_FOR_FEW)
        settled = not self._open or self._is_settled(count)
        ranked = sorted(self._found, key=lambda one: -one[1])
        return Found(ranked[:count], settled)

    def _is_settled(self, count: int | None) -> bool:
        if count is None or len(self._found) < count:
            return False
        scores = np.partition([score for _, score in self._found], -count)
        return bool(scores[-count] >= -self._open[0].improbability)

    def _grow(self, num_nodes: int) -> None:
        growth = _Growth()
        while self._open and len(growth.tokens) < num_nodes:
            self._put(growth, heapq.heappop(self._open))
        first = len(self._tree)
        asked = [[token for token, _ in branches] for branches in growth.branches]
        scores = self._tree.grow(growth.tokens, growth.parents, asked)
        stops = [place for place, _ in growth.starts[1:]] + [len(growth.tokens)]
        for (start, total), stop in zip(growth.starts, stops, strict=True):
            # All but the last node of a chain have one branch: the next node.
            total += sum(float(scores[place][0]) for place in range(start, stop - 1))
            last = stop - 1
            self._add(first + last, total, growth.branches[last], scores[last])

    def _put(self, growth: _Growth, chosen: _Open) -> None:
        """Adds a node, and below it all that can only go on in one way."""
        growth.starts.append((len(growth.tokens), -chosen.improbability))
        token, node, parent = chosen.token, chosen.node, chosen.parent
        while True:
            growth.tokens.append(token)
            growth.parents.append(parent)
            branches = self._trie.children(node)
            growth.branches.append(branches)
            if len(branches) > 1 or self._trie.candidate(branches[0][1]) is not None:
                return
            parent = len(self._tree) + len(growth.tokens) - 1
            token, node = branches[0]

    def _add(
        self, parent: int, total: float, branches: list[tuple[int, Node]], scores: LogProbabilities
    ) -> None:
        for (token, node), score in zip(branches, scores, strict=True):
            candidate = self._trie.candidate(node)
            if candidate is None:
                heapq.heappush(self._open, _Open(-(total + float(score)), node, token, parent))
            else:
                self._found.append((candidate, total + float(score)))
