"""Sentences said before about the same country, word for word or nearly so.

MinHash over word triples (datasketch), in bands: two sentences that agree in all hashes of a band
are compared. Bands are spread over buckets by their key, so that memory depends on the size of a
bucket and not on the number of sentences.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
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
        pa.field("clue_id", pa.string()),
        pa.field("sketch", pa.binary(2 * NUM_HASHES)),
    ]
)
"""One band of one sentence. `order` is the sentence's number in the run, `plain` a hash of its
words, `sketch` the lower 16 bits of its hashes."""

REPEATS = pa.schema(
    [
        pa.field("order", pa.int64()),
        pa.field("kind", pa.string()),
        pa.field("of", pa.string()),
        pa.field("of_order", pa.int64()),
    ]
)
"""A sentence that repeats an earlier one, which may itself be a repeat."""

Sketch = NDArray[np.uint32]


class Sketcher:
    """Turns sentences into bands. The same words about two countries, or beside two pictures, are
    two clues.

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

    def bands(
        self,
        texts: Sequence[str],
        about: Sequence[str],
        clue_ids: Sequence[str],
        orders: Sequence[int],
    ) -> tuple[pa.Table, list[int | None]]:
        """Bands of the sentences, and for each sentence the index of the same one before it here.

        about: what sentences must share to be compared. A sentence with one before it has no bands.
        """
        words = [plain_words(text) for text in texts]
        plains = [_hash64(one, " ".join(said)) for one, said in zip(about, words, strict=True)]
        first: dict[int, int] = {}
        before = [
            None if first.setdefault(plain, at) == at else first[plain]
            for at, plain in enumerate(plains)
        ]
        kept = [at for at, earlier in enumerate(before) if earlier is None]
        sketches = self._sketches([words[at] for at in kept])
        keys = [_band_keys(about[at], one) for at, one in zip(kept, sketches, strict=True)]
        rows = np.repeat(np.array(kept, dtype=np.int64), NUM_BANDS)
        short = [one.astype("<u2").tobytes() for one in sketches]
        columns = [
            pa.array([key for band in keys for key in band], pa.uint64()),
            pa.array([orders[at] for at in rows], pa.int64()),
            pa.array([plains[at] for at in rows], pa.uint64()),
            pa.array([clue_ids[at] for at in rows], pa.string()),
            pa.array([one for one in short for _ in range(NUM_BANDS)], pa.binary(2 * NUM_HASHES)),
        ]
        return pa.Table.from_arrays(columns, schema=BANDS), before

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
    columns = {name: table[name].to_numpy() for name in ("key", "order", "plain")}
    raw = b"".join(table["sketch"].to_pylist())
    sketches = np.frombuffer(raw, dtype="<u2").reshape(-1, NUM_HASHES)
    ids = table["clue_id"]
    found: dict[int, tuple[str, int]] = {}
    for start, stop in _groups(columns["key"]):
        leaders: list[int] = []
        for at in range(start, stop):
            leader = _repeated(at, leaders, columns["plain"], sketches, similarity)
            if leader is None:
                leaders.append(at)
                continue
            is_exact = columns["plain"][at] == columns["plain"][leader]
            order = int(columns["order"][at])
            if order not in found or is_exact:
                found[order] = (EXACT if is_exact else NEAR, leader)
    rows = [
        (order, kind, ids[leader].as_py(), int(columns["order"][leader]))
        for order, (kind, leader) in sorted(found.items())
    ]
    lists = [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * len(REPEATS)
    return pa.Table.from_arrays(
        [pa.array(one, field.type) for one, field in zip(lists, REPEATS, strict=True)],
        schema=REPEATS,
    )


def plain_words(text: str) -> tuple[str, ...]:
    """The words of a text, without case, punctuation and forms of one letter."""
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def _groups(keys: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """(first row, row behind the last) of every key that comes more than once, in sorted keys."""
    starts = np.flatnonzero(np.diff(keys, prepend=keys[:1] + np.uint64(1)))
    stops = np.append(starts[1:], len(keys))
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        if stop - start > 1:
            yield start, stop


def _repeated(
    at: int,
    leaders: Sequence[int],
    plains: NDArray[np.uint64],
    sketches: NDArray[np.uint16],
    similarity: float,
) -> int | None:
    """The first of the leaders that the sentence repeats."""
    if not leaders:
        return None
    alike = (sketches[leaders] == sketches[at]).mean(axis=1)
    alike[plains[leaders] == plains[at]] = 2.0
    best = int(alike.argmax()) if alike.max() > 1 else int(np.argmax(alike >= similarity))
    return leaders[best] if alike[best] >= similarity else None


def _band_keys(about: str, sketch: Sketch) -> list[int]:
    hashes = sketch.reshape(NUM_BANDS, BAND_HASHES)
    return [_hash64(about, number, band.tobytes()) for number, band in enumerate(hashes)]


def _hash64(*parts: object) -> int:
    text = "\0".join(part.hex() if isinstance(part, bytes) else str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _shingles(words: Sequence[str]) -> set[str]:
    """Word triples; of a text without spaces between words (Chinese), triples of its letters."""
    if len(words) < _SHINGLE:
        joined = "".join(words)
        return {joined[at : at + _SHINGLE] for at in range(max(1, len(joined) - _SHINGLE + 1))}
    return {" ".join(words[at : at + _SHINGLE]) for at in range(len(words) - _SHINGLE + 1)}
