"""Makes class weights of clues: embeds sentences once and compares them with class labels."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearsonr, spearmanr

from georay.config.curate import WeightsRecipe
from georay.core.clue_files import read_clue_texts
from georay.core.fetched import local_copy
from georay.core.manifest import digest, file_sha256, write_json
from georay.core.paths import AnyPath, path_of
from georay.core.run_folder import read_facts
from georay.locatability.labels import ADE20K_LABELS, NUM_LABELS
from georay.locatability.weights import (
    ClassWeights,
    WeightSettings,
    class_weights,
    published_weights,
    weights_from_json,
)
from georay.runtime.progress import progress

BLOCK_CLUES = 512
MOST_KNOWN = 20_000  # sentences; their similarities take 12 MB


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


def resolve_weights(choice: WeightsRecipe, made: AnyPath) -> ClassWeights:
    """The weights that a recipe names; those made from clues are kept in `made` for a rerun.

    Raises ValueError if the file that is named is absent or holds no weights.
    """
    if choice.clues is not None:
        return _make_once(choice, made)
    if choice.source == "published":
        return published_weights()
    path = path_of(choice.source)
    if not path.is_file():
        raise ValueError(f"weights must be `published` or a file; there is no file {path}")
    return weights_from_json(path.read_text())


def _make_once(choice: WeightsRecipe, made: AnyPath) -> ClassWeights:
    clues = _clue_file(choice)
    key = digest(choice.model_dump(exclude={"clues"}), file_sha256(clues))
    if weights := _made_before(made, key):
        return weights
    weights = make_weights(choice)
    write_json(made, {"key": key, "weights": weights.to_json()})
    return weights


def _made_before(made: AnyPath, key: str) -> ClassWeights | None:
    """The weights kept under this key; None if there are none, or the file is damaged."""
    try:
        stored = read_facts(made) or {}
        return (
            weights_from_json(json.dumps(stored["weights"])) if stored.get("key") == key else None
        )
    except (ValueError, KeyError):
        return None


def make_weights(choice: WeightsRecipe) -> ClassWeights:
    """Class weights from a recipe's clues, with a progress bar (paper, section 3.1)."""
    from georay.models.sentence_encoder import SentenceEncoder

    clues = _clue_file(choice)
    encoder = SentenceEncoder(choice.encoder, revision=choice.encoder_revision)
    settings = WeightSettings(choice.scope, choice.threshold)
    with progress("embedding clues", None, "clues") as meter:
        texts = read_clue_texts(clues)
        return weights_from_clues(texts, encoder, settings, clues.name, meter.advance)


def _clue_file(choice: WeightsRecipe) -> Path:
    clues = local_copy(choice.clues or "")
    if not clues.is_file():
        raise ValueError(f"there is no file of clues at {clues}")
    return clues


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
    known = _Known(encoder, labels)
    seen, num_clues = hashlib.sha256(), 0
    with tempfile.TemporaryFile() as file:
        similarities = SimilarityFile(file)
        for block in _blocks(clues):
            similarities.append(known.of(block))
            seen.update("\n".join(block).encode())
            num_clues += len(block)
            if on_progress:
                on_progress(len(block))
        values = class_weights(similarities, settings)
    return ClassWeights(values, source, encoder.id, num_clues, seen.hexdigest()[:16], settings)


class _Known:
    """Similarities of sentences to the labels; one that comes again is not embedded again."""

    def __init__(self, encoder: TextEncoder, labels: NDArray[np.float32]) -> None:
        self._encoder, self._labels = encoder, labels
        self._rows: dict[str, NDArray[np.float32]] = {}

    def of(self, texts: list[str]) -> NDArray[np.float32]:
        """[len(texts), num_labels]."""
        new = [text for text in dict.fromkeys(texts) if text not in self._rows]
        if len(self._rows) + len(new) > MOST_KNOWN:
            self._rows, new = {}, list(dict.fromkeys(texts))
        if new:
            found = self._encoder.encode(new) @ self._labels.T
            self._rows |= zip(new, found, strict=True)
        return np.stack([self._rows[text] for text in texts])


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
