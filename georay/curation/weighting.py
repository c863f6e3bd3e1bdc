"""Clues to class weights: sentences are embedded once and compared with the class labels."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearsonr, spearmanr

from georay.locatability.labels import ADE20K_LABELS, NUM_LABELS
from georay.locatability.weights import (
    ClassWeights,
    WeightSettings,
    class_weights,
    published_weights,
)

BLOCK_CLUES = 2048


class TextEncoder(Protocol):
    """What weights need of a sentence encoder."""

    id: str

    def encode(self, texts: list[str]) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class Agreement:
    """Correlation of class weights with the published ones."""

    spearman: float
    pearson: float


class SimilarityFile:
    """Similarities clues × labels on disk, iterated block by block as often as needed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def append(self, block: NDArray[np.float32]) -> None:
        self._file.write(np.ascontiguousarray(block, dtype=np.float32).tobytes())

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        self._file.seek(0)
        while raw := self._file.read(BLOCK_CLUES * NUM_LABELS * 4):
            yield np.frombuffer(raw, dtype=np.float32).reshape(-1, NUM_LABELS)


def weights_from_clues(
    clues: Iterable[str],
    encoder: TextEncoder,
    settings: WeightSettings,
    source: str,
    on_progress: Callable[[int], None] | None = None,
) -> ClassWeights:
    """Class weights from sentences (paper, section 3.1), in memory that does not grow with them.

    Raises ValueError if there are no clues or they do not tell the classes apart.
    """
    labels = encoder.encode(list(ADE20K_LABELS))
    seen, num_clues = hashlib.sha256(), 0
    with tempfile.TemporaryFile() as file:
        similarities = SimilarityFile(file)
        for block in _blocks(clues):
            similarities.append(encoder.encode(block) @ labels.T)
            seen.update("\n".join(block).encode())
            num_clues += len(block)
            if on_progress:
                on_progress(num_clues)
        values = class_weights(similarities, settings)
    return ClassWeights(values, source, encoder.id, num_clues, seen.hexdigest()[:16], settings)


def _blocks(clues: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(clues)
    while block := list(islice(iterator, BLOCK_CLUES)):
        yield block


def agreement_with_published(weights: ClassWeights) -> Agreement:
    """Spearman and Pearson correlation with the published weights, over the 150 classes."""
    published = published_weights().values
    return Agreement(
        float(spearmanr(weights.values, published).statistic),
        float(pearsonr(weights.values, published).statistic),
    )
