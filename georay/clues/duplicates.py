"""Finds sentences that repeat others about the same country, exactly or nearly.

MinHash over word triples (datasketch), in bands: two sentences that agree in all hashes of a band
are compared. Bands are spread over buckets by their key, so that memory depends on the size of a
bucket and not on the number of sentences.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

NUM_BANDS, BAND_HASHES = 12, 5
NUM_HASHES = NUM_BANDS * BAND_HASHES
"""Of two sentences of similarity 0.8, 99 % agree in a band; of 0.5, 32 %."""

EXACT, NEAR = "repeated", "nearly repeated"
_WORD = re.compile(r"\w+")
_SHINGLE = 3

BANDS = pa.schema(
    [
        pa.field("key", pa.uint64()),
        pa.field("order", pa.int64()),
        pa.field("plain", pa.uint64()),
        pa.field("picture", pa.uint64()),
        pa.field("clue_id", pa.string()),
        pa.field("sketch", pa.binary(2 * NUM_HASHES)),
    ]
)
"""One band of one sentence. `order` is the sentence's number in the run, `plain` a hash of its
words, `picture` one of its picture (0: none), `sketch` the lower 16 bits of its hashes."""

REPEATS = pa.schema(
    [
        pa.field("order", pa.int64()),
        pa.field("kind", pa.string()),
        pa.field("of", pa.string()),
    ]
)
"""A sentence that repeats an earlier one, which may itself be a repeat."""

Sketch = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class ComparedSentence:
    """A sentence to compare; `country` and `picture` are None where unknown."""

    order: int
    clue_id: str
    text: str
    country: str | None
    picture: str | None


class Sketcher:
    """Turns sentences into bands.

    The same words about two countries are two clues, and so they are beside two pictures; without
    a picture they add nothing to the same words before them.
    Raises ValueError if the package `datasketch` is not installed.
    """

    def __init__(self) -> None:
        try:
            from datasketch import MinHash
        except ImportError as problem:
            raise ValueError(
                "finding near duplicates needs the clues extra: pip install 'georay[clues]'"
            ) from problem
        self._minhash: Any = MinHash

    def bands(self, sentences: Sequence[ComparedSentence]) -> tuple[pa.Table, list[int | None]]:
        """Bands of the sentences, and for each sentence the index of the same one before it here.

        A sentence with one before it has no bands.
        """
        words = [plain_words(one.text) for one in sentences]
        plains = [
            _hash64(one.country, " ".join(said)) for one, said in zip(sentences, words, strict=True)
        ]
        pictures = [_hash64(one.picture) if one.picture else 0 for one in sentences]
        before = _said_before(plains, pictures)
        kept = [at for at, earlier in enumerate(before) if earlier is None]
        sketches = self._sketches([words[at] for at in kept])
        rows = []
        for at, sketch in zip(kept, sketches, strict=True):
            one, short = sentences[at], sketch.astype("<u2").tobytes()
            rows += [
                (key, one.order, plains[at], pictures[at], one.clue_id, short)
                for key in _band_keys(one.country, sketch)
            ]
        return _table(rows, BANDS), before

    def _sketches(self, words: Sequence[Sequence[str]]) -> list[Sketch]:
        shingles = [[one.encode() for one in _shingles(said)] for said in words]
        found = self._minhash.bulk(shingles, num_perm=NUM_HASHES) if shingles else []
        return [one.hashvalues.astype(np.uint32) for one in found]


def find_repeats(bands: pa.Table, similarity: float) -> pa.Table:
    """Schema REPEATS: sentences of a bucket that repeat an earlier one of it.

    bands: schema BANDS, all bands of their keys. similarity: estimated Jaccard similarity from
    which on sentences count as nearly the same.
    """
    table = bands.sort_by([("key", "ascending"), ("order", "ascending")])
    bucket = _Bucket(table, similarity)
    orders = table["order"].to_numpy()
    found: dict[int, tuple[str, int]] = {}
    for start, stop in _groups(table["key"].to_numpy()):
        leaders: list[int] = []
        for at in range(start, stop):
            leader, is_exact = bucket.repeated(at, leaders)
            if leader is None:
                leaders.append(at)
            elif is_exact or int(orders[at]) not in found:
                found[int(orders[at])] = (EXACT if is_exact else NEAR, leader)
    ids = table["clue_id"]
    rows = [(order, kind, ids[leader].as_py()) for order, (kind, leader) in sorted(found.items())]
    return _table(rows, REPEATS)


class _Bucket:
    """The columns of a bucket as arrays, and which of its rows say the same."""

    def __init__(self, table: pa.Table, similarity: float) -> None:
        self._plain = table["plain"].to_numpy()
        self._picture = table["picture"].to_numpy()
        raw = b"".join(table["sketch"].to_pylist())
        self._sketch = np.frombuffer(raw, dtype="<u2").reshape(-1, NUM_HASHES)
        self._similarity = similarity

    def repeated(self, at: int, leaders: Sequence[int]) -> tuple[int | None, bool]:
        """The first of the leaders that the row repeats, word for word (True) or nearly."""
        if not leaders:
            return None, False
        alike = (self._sketch[leaders] == self._sketch[at]).mean(axis=1) >= self._similarity
        same = self._plain[leaders] == self._plain[at]
        if self._picture[at]:
            adds_nothing = self._picture[leaders] == self._picture[at]
            alike, same = alike & adds_nothing, same & adds_nothing
        if same.any():
            return leaders[int(same.argmax())], True
        return (leaders[int(alike.argmax())] if alike.any() else None), False


def plain_words(text: str) -> tuple[str, ...]:
    """The words of a text, without case, punctuation and forms of one letter."""
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def _groups(keys: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """(first row, row behind the last) of every key that comes more than once, in sorted keys."""
    starts = np.flatnonzero(np.diff(keys, prepend=keys[:1] + np.uint64(1)))
    stops = [*starts[1:], len(keys)] if len(keys) else []
    for start, stop in zip(map(int, starts), map(int, stops), strict=True):
        if stop - start > 1:
            yield start, stop


def _said_before(plains: Sequence[int], pictures: Sequence[int]) -> list[int | None]:
    """Of each sentence the index of the first with its words, and its picture if it has one."""
    first: dict[tuple[int, int], int] = {}
    before = []
    for at, (plain, picture) in enumerate(zip(plains, pictures, strict=True)):
        before.append(first.get((plain, picture)))
        first.setdefault((plain, picture), at)
        first.setdefault((plain, 0), at)
    return before


def _table(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    arrays = [pa.array(one, field.type) for one, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _band_keys(country: str | None, sketch: Sketch) -> list[int]:
    hashes = sketch.reshape(NUM_BANDS, BAND_HASHES)
    return [_hash64(country, number, band.tobytes()) for number, band in enumerate(hashes)]


def _hash64(*parts: object) -> int:
    text = "\0".join(part.hex() if isinstance(part, bytes) else str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _shingles(words: Sequence[str]) -> set[str]:
    """Word triples; of a text without spaces between words (Chinese), triples of its letters."""
    if len(words) < _SHINGLE:
        joined = "".join(words)
        return {joined[at : at + _SHINGLE] for at in range(max(1, len(joined) - _SHINGLE + 1))}
    return {" ".join(words[at : at + _SHINGLE]) for at in range(len(words) - _SHINGLE + 1)}
