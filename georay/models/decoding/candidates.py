"""Names of places as the exact tokens that an answer naming them has."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from georay.core.prompts import Prompt

Ids = tuple[int, ...]


def opening(prompt: Prompt, country: str | None = None, city: str | None = None) -> str:
    """How an answer to `prompt` begins, up to the next name to be given, its quote included.

    `{"country": "`, or, with a country, `{"country": "France", "city": "`, and so on. The text is
    the beginning of what `target_answer` writes.
    """
    given = {"country": country, "city": city}
    text = "{"
    for number, field in enumerate(prompt.fields):
        text += ", " * bool(number) + f'"{field}": "'
        value = given.get(field)
        if value is None:
            return text
        text += quoted(value)
    return text + "}"


def quoted(name: str) -> str:
    """The name as it stands in JSON behind an opening quote, with the quote that ends it."""
    return json.dumps(name, ensure_ascii=False)[1:]


def answer_ids(tokenizer: Any, before: str, names: Sequence[str], after: str) -> list[Ids]:
    """Token ids of `before` + each name + its closing quote, as the whole answer has them.

    after: what follows the quote. A tokenizer may read quote and comma as one token, so the answer
    is tokenised with it, and cut behind the token that holds the closing quote: that token tells
    "Niger" from "Nigeria".
    """
    starts = [before + quoted(name) for name in names]
    encoded = tokenizer(
        [start + after for start in starts], add_special_tokens=False, return_offsets_mapping=True
    )
    rows = []
    for start, ids, offsets in zip(
        starts, encoded["input_ids"], encoded["offset_mapping"], strict=True
    ):
        stop = next(n for n, (_, end) in enumerate(offsets, start=1) if end >= len(start))
        rows.append(tuple(ids[:stop]))
    return rows


@dataclass(frozen=True, slots=True)
class Node:
    """All candidates that share their first `depth` tokens: rows [first, last) of the trie."""

    first: int
    last: int
    depth: int


class TokenTrie:
    """Candidates by their tokens. Sorted rows and ranges of them: a country's towns take little."""

    def __init__(self, candidates: Sequence[Ids]) -> None:
        """Raises ValueError where there is no candidate, or two have the same tokens."""
        self._order = sorted(range(len(candidates)), key=candidates.__getitem__)
        self._rows = [candidates[number] for number in self._order]
        if not self._rows or len(set(self._rows)) < len(self._rows):
            raise ValueError("a trie needs candidates that differ in their tokens")
        self.root = Node(0, len(self._rows), 0)

    def children(self, node: Node) -> list[tuple[int, Node]]:
        """The tokens that may come next, each with the candidates that remain."""
        found, start, depth = [], node.first, node.depth
        for token, rows in groupby(self._rows[node.first : node.last], lambda row: row[depth]):
            stop = start + sum(1 for _ in rows)
            found.append((token, Node(start, stop, depth + 1)))
            start = stop
        return found

    def candidate(self, node: Node) -> int | None:
        """The candidate that ends here, by its number when the trie was made."""
        # Every candidate ends with the one quote it holds, so none is the beginning of another.
        ends = node.depth == len(self._rows[node.first])
        return self._order[node.first] if ends else None
