"""Finds the segmentation class that a sentence is about, by similarity of meaning."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from georay.locatability.labels import ADE20K_LABELS


class TextEncoder(Protocol):
    """Sentences to unit vectors; their dot products are cosine similarities."""

    id: str

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


class Labeller:
    """Names the class nearest to each sentence."""

    def __init__(self, encoder: TextEncoder, min_similarity: float) -> None:
        self._encoder, self._least = encoder, min_similarity
        self._labels = encoder.encode(list(ADE20K_LABELS))

    def nearest(self, texts: Sequence[str]) -> list[tuple[int, float] | None]:
        """(class id, cosine similarity) of each text, None where no class is near enough."""
        if not texts:
            return []
        similarity = self._encoder.encode(texts) @ self._labels.T
        best = similarity.argmax(axis=1)
        return [
            (int(label), float(row[label])) if row[label] >= self._least else None
            for label, row in zip(best, similarity, strict=True)
        ]
