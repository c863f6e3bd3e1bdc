"""Adaptive cells of S2: small where training pictures are many, none where they are few."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from s2cell import cell_id_to_token, lat_lon_to_cell_id, token_to_cell_id

from georay.config.baselines import PartitionRecipe

Cells = NDArray[np.uint64]
Floats = NDArray[np.float64]
Classes = NDArray[np.int64]

_FACES = 6


@dataclass(frozen=True)
class Partition:
    """Cells that do not overlap, ordered; each is a class.

    ids: of S2. latitude, longitude: the middle of its training pictures, in degrees.
    """

    ids: Cells
    latitude: Floats
    longitude: Floats
    num_pictures: Classes

    @classmethod
    def build(cls, latitude: Floats, longitude: Floats, recipe: PartitionRecipe) -> Self:
        """The cells of pictures at these places.

        Raises ValueError if none holds enough of them.
        """
        leaves = leaf_ids(latitude, longitude)
        ids = covering(leaves, recipe.max_pictures, recipe.max_level)
        counts = _counts(np.sort(leaves), ids)
        ids, counts = ids[counts >= recipe.min_pictures], counts[counts >= recipe.min_pictures]
        if not len(ids):
            raise ValueError(
                f"no cell holds {recipe.min_pictures} of {len(latitude):,} training pictures: "
                "lower min_pictures, or raise max_pictures"
            )
        middles = middles_of(_find(leaves, ids), latitude, longitude, len(ids))
        return cls(ids, *middles, counts)

    def __len__(self) -> int:
        return len(self.ids)

    def classes(self, latitude: Floats, longitude: Floats) -> Classes:
        """The class of each place, -1 where no cell is one."""
        return _find(leaf_ids(latitude, longitude), self.ids)

    def parents(self, coarse: "Partition") -> Classes:
        """The class of each cell in a coarser partition whose cells contain these."""
        return _find(self.ids, coarse.ids)

    @cached_property
    def tokens(self) -> list[str]:
        """The cells by the names that S2 gives them."""
        return [cell_id_to_token(int(one)) for one in self.ids]

    def to_json(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        return {
            "tokens": self.tokens,
            "latitude": self.latitude.tolist(),
            "longitude": self.longitude.tolist(),
            "num_pictures": self.num_pictures.tolist(),
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """What `to_json` wrote."""
        ids = np.array([token_to_cell_id(token) for token in content["tokens"]], np.uint64)
        return cls(
            ids,
            np.array(content["latitude"], np.float64),
            np.array(content["longitude"], np.float64),
            np.array(content["num_pictures"], np.int64),
        )


def leaf_ids(latitude: Floats, longitude: Floats) -> Cells:
    """The smallest cell of S2, about a square centimetre, around each place in degrees."""
    pairs = zip(latitude.tolist(), longitude.tolist(), strict=True)
    return np.array([lat_lon_to_cell_id(*pair, 30) for pair in pairs], np.uint64)


def covering(leaves: Cells, max_pictures: int, max_level: int) -> Cells:
    """Cells that cover the sphere exactly once, ordered, none with more than `max_pictures`.

    leaves: of the pictures. Cells of `max_level` are not split, however many pictures they hold.
    """
    ordered = np.sort(leaves)
    faces = [(face << 61) | (1 << 60) for face in range(_FACES)]
    return np.array(
        [cell for face in faces for cell in _split(face, 0, ordered, max_pictures, max_level)],
        np.uint64,
    )


def _split(cell: int, level: int, ordered: Cells, most: int, max_level: int) -> Iterator[int]:
    if level == max_level or _counts(ordered, np.array([cell], np.uint64))[0] <= most:
        yield cell
        return
    for child in _children(cell):
        yield from _split(child, level + 1, ordered, most, max_level)


def _children(cell: int) -> Sequence[int]:
    """A cell's id ends in a one and zeros: the one moves by two digits with each level."""
    lowest = cell & -cell
    child = lowest >> 2
    return [cell - lowest + (2 * number + 1) * child for number in range(4)]


def _ends(cells: Cells) -> tuple[Cells, Cells]:
    """The first and the last leaf of each cell."""
    lowest = cells & (~cells + np.uint64(1))
    return cells - lowest + np.uint64(1), cells + lowest - np.uint64(1)


def _counts(ordered: Cells, cells: Cells) -> Classes:
    first, last = _ends(cells)
    found = ordered.searchsorted(last, "right") - ordered.searchsorted(first, "left")
    return found.astype(np.int64)


def _find(inner: Cells, cells: Cells) -> Classes:
    """Which of the ordered `cells` each inner one lies in, -1 for none."""
    first, last = _ends(cells)
    at = last.searchsorted(inner, "left")
    near = np.minimum(at, len(cells) - 1)
    is_inside = (at < len(cells)) & (first[near] <= inner)
    return np.where(is_inside, near, -1).astype(np.int64)


def middles_of(
    classes: Classes,
    latitude: Floats,
    longitude: Floats,
    num_classes: int,
    weights: Floats | None = None,
) -> tuple[Floats, Floats]:
    """The middle of each class's places on the sphere, in degrees; weights: of the places."""
    known = classes >= 0
    heavy = np.ones(len(classes)) if weights is None else weights
    phi, theta = np.radians(latitude[known]), np.radians(longitude[known])
    points = [np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)]
    x, y, z = (np.bincount(classes[known], axis * heavy[known], num_classes) for axis in points)
    return np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))
