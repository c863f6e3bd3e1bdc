"""Finds a picture for each clue without one: by its segmentation class, else by CLIP."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from georay.clues.album import Album
from georay.clues.examine import Row
from georay.clues.labels import Labeller
from georay.locatability.labels import ADE20K_LABELS, short_name

Portraits = Mapping[str, tuple[Sequence[str], NDArray[np.float32]]]
"""Of each country the ids of some pictures, and their unit vectors [num_pictures, dimensions]."""


class PictureTextEncoder(Protocol):
    """CLIP: pictures and sentences to unit vectors of one space."""

    id: str

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]: ...

    def encode_pictures(self, uris: Sequence[str]) -> list[NDArray[np.float32] | None]:
        """None for a picture that cannot be read."""


class NamePictures:
    """Adds `label` and `label_similarity`, and to clues without a picture one with `pairing`.

    labeller, album, clip: each may be absent; what they would add stays empty. A pair that the
    source gives is left as it is.
    """

    def __init__(
        self,
        labeller: Labeller | None,
        album: Album | None,
        clip: PictureTextEncoder | None = None,
        portraits: Portraits | None = None,
    ) -> None:
        self._labeller, self._album = labeller, album
        self._clip, self._portraits = clip, portraits or {}

    def __call__(self, rows: Sequence[Row]) -> list[Row]:
        named = self._by_class(rows)
        left = [
            row for row in named if row["image_id"] is None and row["country"] in self._portraits
        ]
        if self._clip is None or not left:
            return named
        vectors = self._clip.encode_texts([str(row["text"]) for row in left])
        chosen = {
            id(row): self._most_alike(str(row["country"]), vector)
            for row, vector in zip(left, vectors, strict=True)
        }
        return [
            row | {"image_id": chosen[id(row)], "pairing": "clip"} if id(row) in chosen else row
            for row in named
        ]

    def _by_class(self, rows: Sequence[Row]) -> list[Row]:
        if self._labeller is None:
            return list(rows)
        nearest = self._labeller.nearest([str(row["text"]) for row in rows])
        return [self._with_class(row, found) for row, found in zip(rows, nearest, strict=True)]

    def _with_class(self, row: Row, found: tuple[int, float] | None) -> Row:
        if found is None:
            return row
        label, similarity = found
        row = row | {
            "label": short_name(ADE20K_LABELS[label]),
            "label_similarity": similarity,
        }
        if row["image_id"] is not None or self._album is None or row["country"] is None:
            return row
        picture = self._album.choose(str(row["country"]), label, str(row["clue_id"]))
        return row if picture is None else row | {"image_id": picture, "pairing": "class"}

    def _most_alike(self, country: str, vector: NDArray[np.float32]) -> str:
        ids, vectors = self._portraits[country]
        return ids[int((vectors @ vector).argmax())]
