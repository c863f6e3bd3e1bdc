"""The most probable candidates of tries, exactly, without visiting the improbable ones."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from georay.models.decoding.answer_tree import ROOT, AnswerTrees, Chain, Grown, LogProbabilities
from georay.models.decoding.candidates import Node, TokenTrie

NODES_AT_ONCE = 256
NODES_AT_ONCE_FOR_FEW = 64  # the best few are soon found: do not grow what none of them needs


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


@dataclass(frozen=True, slots=True)
class _Growth:
    """A chain that was asked for. total: the score above it; branches: behind each of its nodes."""

    total: float
    branches: list[list[tuple[int, Node]]]


class BestFirst:
    """A search that grows the most probable open nodes first, many at a time.

    A name's probability is at most that of each of its beginnings (A* with the bound 0), so
    what is found above every open node is found for good. It says which nodes it needs next and is
    told their scores: searches above many prompts go on together (`search_all`).
    """

    def __init__(
        self,
        trie: TokenTrie,
        root_scores: LogProbabilities,
        count: int | None = None,
        max_nodes: int | None = None,
    ) -> None:
        """Looks for the `count` best candidates, all of them if None.

        root_scores: of the trie's first tokens, in the order of its children. max_nodes: stop after
        growing so many, with the best found so far.
        """
        self._trie, self._count, self._max_nodes = trie, count, max_nodes
        self._open: list[_Open] = []
        self._found: list[tuple[int, float]] = []
        self._asked: list[_Growth] = []
        self.num_nodes = 0
        self._add(ROOT, 0.0, trie.children(trie.root), root_scores)

    @property
    def is_done(self) -> bool:
        is_cut_short = self._max_nodes is not None and self.num_nodes >= self._max_nodes
        return not self._open or self._is_settled() or is_cut_short

    def found(self) -> Found:
        """What was found by now."""
        ranked = sorted(self._found, key=lambda one: -one[1])
        return Found(ranked[: self._count], not self._open or self._is_settled())

    def wanted(self) -> list[Chain]:
        """The next nodes to grow; give them to `take` before asking again."""
        most = NODES_AT_ONCE if self._count is None else NODES_AT_ONCE_FOR_FEW
        chains: list[Chain] = []
        before = self.num_nodes
        while self._open and self.num_nodes - before < most:
            chains.append(self._chain(heapq.heappop(self._open)))
        return chains

    def take(self, grown: Sequence[Grown]) -> None:
        """What became of the wanted nodes, in their order."""
        for asked, one in zip(self._asked, grown, strict=True):
            # All but the last node of a chain have one branch: the next node.
            total = asked.total + sum(float(scores[0]) for scores in one.scores[:-1])
            self._add(one.nodes[-1], total, asked.branches[-1], one.scores[-1])
        self._asked = []

    def _is_settled(self) -> bool:
        if self._count is None or len(self._found) < self._count:
            return False
        scores = np.partition([score for _, score in self._found], -self._count)
        return bool(scores[-self._count] >= -self._open[0].improbability)

    def _chain(self, chosen: _Open) -> Chain:
        """A node, and below it all that can only go on in one way."""
        tokens: list[int] = []
        branches: list[list[tuple[int, Node]]] = []
        token, node = chosen.token, chosen.node
        while True:
            tokens.append(token)
            branches.append(self._trie.children(node))
            if len(branches[-1]) > 1 or self._trie.candidate(branches[-1][0][1]) is not None:
                break
            token, node = branches[-1][0]
        self.num_nodes += len(tokens)
        self._asked.append(_Growth(-chosen.improbability, branches))
        asked = [[token for token, _ in behind] for behind in branches]
        return Chain(chosen.parent, tokens, asked)

    def _add(
        self, parent: int, total: float, branches: list[tuple[int, Node]], scores: LogProbabilities
    ) -> None:
        for (token, node), score in zip(branches, scores, strict=True):
            candidate = self._trie.candidate(node)
            if candidate is None:
                heapq.heappush(self._open, _Open(-(total + float(score)), node, token, parent))
            else:
                self._found.append((candidate, total + float(score)))


@dataclass(frozen=True)
class SearchRequest:
    """A search above the prompt of one row; see `BestFirst`."""

    row: int
    trie: TokenTrie
    count: int | None = None
    max_nodes: int | None = None


def search_all(trees: AnswerTrees, requests: Sequence[SearchRequest]) -> list[Found]:
    """What each request finds; all of them go on together, so that a forward pass serves all."""
    searches = [_begun(trees, request) for request in requests]
    rows = [request.row for request in requests]
    while waiting := [number for number, one in enumerate(searches) if not one.is_done]:
        chains: list[list[Chain]] = [[] for _ in range(trees.num_rows)]
        shares: list[slice] = []
        for number in waiting:
            of_row = chains[rows[number]]
            start = len(of_row)
            of_row += searches[number].wanted()
            shares.append(slice(start, len(of_row)))
        grown = trees.grow(chains)
        for number, share in zip(waiting, shares, strict=True):
            searches[number].take(grown[rows[number]][share])
    return [one.found() for one in searches]


def _begun(trees: AnswerTrees, request: SearchRequest) -> BestFirst:
    first = [token for token, _ in request.trie.children(request.trie.root)]
    scores = trees.root_scores(request.row, first)
    return BestFirst(request.trie, scores, request.count, request.max_nodes)
