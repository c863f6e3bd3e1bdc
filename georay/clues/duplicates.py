"""Sentences said before, word for word or nearly so, by MinHash over their word triples."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

NUM_HASHES = 64
_WORD = re.compile(r"\w+")
_SHINGLE = 3

Kind = Literal["repeated", "nearly repeated"]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`of`: the key of the sentence that said it first."""

    kind: Kind
    of: str


class Duplicates:
    """Remembers sentences by key and finds those that say the same again about the same country.

    The same words about two countries are two clues.

    similarity: estimated Jaccard similarity of the sets of word triples from which on two
    sentences count as nearly the same. Memory grows by about a kilobyte a sentence.
    Raises ValueError if the package `datasketch` is not installed.
    """

    def __init__(self, similarity: float = 0.8) -> None:
        try:
            from datasketch import MinHash, MinHashLSH
        except ImportError as problem:
            raise ValueError(
                "finding near duplicates needs the clues extra: pip install 'georay[clues]'"
            ) from problem
        self._minhash = MinHash
        self._threshold = similarity
        self._index = MinHashLSH(threshold=similarity, num_perm=NUM_HASHES)
        self._sketches: dict[str, object] = {}
        self._about: dict[str, str | None] = {}
        self._first: dict[tuple[str | None, str], str] = {}

    def seen(self, key: str, text: str, country: str | None) -> Repeat | None:
        """What the sentence repeats, or None; from now on it is known under its key."""
        words = tuple(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))
        plain = (country, " ".join(words))
        if plain in self._first:
            return Repeat("repeated", self._first[plain])
        self._first[plain] = key
        sketch = self._minhash(num_perm=NUM_HASHES)
        sketch.update_batch([shingle.encode() for shingle in _shingles(words)])
        # The index offers candidates; the sketches themselves decide.
        for other in sorted(self._index.query(sketch)):
            is_alike = sketch.jaccard(self._sketches[other]) >= self._threshold
            if is_alike and self._about[other] == country:
                return Repeat("nearly repeated", other)
        self._index.insert(key, sketch)
        self._sketches[key], self._about[key] = sketch, country
        return None


def _shingles(words: tuple[str, ...]) -> set[str]:
    """Word triples; of a text without spaces between words (Chinese), triples of its letters."""
    if len(words) < _SHINGLE:
        joined = "".join(words)
        return {joined[at : at + _SHINGLE] for at in range(max(1, len(joined) - _SHINGLE + 1))}
    return {" ".join(words[at : at + _SHINGLE]) for at in range(len(words) - _SHINGLE + 1)}
