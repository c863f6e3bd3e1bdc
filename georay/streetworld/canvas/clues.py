"""Clues: what a scene shows that tells where it is, numbered while drawing and measured after."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from georay.locatability.labels import LABEL_INDEX

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class ClueKind:
    """A kind of clue: the ADE20K labels its pixels have, and the least share that can be seen."""

    labels: tuple[str, ...]
    least_share: float


KINDS: dict[str, ClueKind] = {
    "driving side": ClueKind(("car", "van", "truck"), 1.2e-3),
    "centre line": ClueKind(("road",), 6e-4),
    "edge line": ClueKind(("road",), 6e-4),
    "plate": ClueKind(("car", "van", "bus"), 2.5e-4),
    "bollard": ClueKind(("pole",), 3e-4),
    "utility pole": ClueKind(("pole",), 1.5e-3),
    "street lamp": ClueKind(("street lamp",), 1e-3),
    "script": ClueKind(("signboard",), 1.2e-3),
    "place name": ClueKind(("signboard",), 1.2e-3),
    "warning sign": ClueKind(("signboard",), 4e-4),
    "buildings": ClueKind(("building",), 2e-2),
    "houses": ClueKind(("house",), 1e-2),
    "vegetation": ClueKind(("tree", "palm", "plant"), 4e-3),
    "soil": ClueKind(("earth", "sand"), 1e-2),
    "kerb": ClueKind(("sidewalk",), 8e-4),
    "pavement": ClueKind(("sidewalk",), 1.2e-2),
    "taxi": ClueKind(("car",), 2e-3),
    "bus": ClueKind(("bus",), 4e-3),
    "tram": ClueKind(("bus",), 4e-3),
    "flag": ClueKind(("flag",), 5e-4),
    "landmark": ClueKind(("tower", "building", "mountain"), 2e-3),
    "skyline": ClueKind(("skyscraper",), 4e-3),
}


@dataclass(frozen=True)
class Clue:
    """One clue that a scene shows.

    kind: a name in `KINDS`. text: what is seen, in words. box: (left, top, right, bottom) in pixels
    around its visible pixels. misleading: it points to another country (a replica, a foreign word).
    """

    kind: str
    text: str
    box: Box
    pixels: int
    misleading: bool = False


@dataclass(frozen=True)
class _Entry:
    kind: str
    text: str
    misleading: bool


class ClueLedger:
    """Gives every clue drawn its number, and afterwards tells which of them can be seen."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._shared: dict[tuple[str, str], int] = {}

    def new(self, kind: str, text: str, misleading: bool = False) -> int:
        """A number for one thing, such as one car's plate."""
        assert kind in KINDS, kind
        self._entries.append(_Entry(kind, text, misleading))
        return len(self._entries)

    def shared(self, kind: str, text: str) -> int:
        """The number of what appears all over a scene, such as its facades."""
        key = (kind, text)
        if key not in self._shared:
            self._shared[key] = self.new(kind, text)
        return self._shared[key]

    def visible(self, mask: NDArray[np.uint8], numbers: NDArray[np.int32]) -> tuple[Clue, ...]:
        """The clues that cover enough pixels of their own labels, in the order of drawing.

        mask: ADE20K ids; numbers: clue numbers; both [size, size].
        """
        counts = np.bincount(numbers.ravel(), minlength=len(self._entries) + 1)
        boxes = ndimage.find_objects(numbers)
        found = []
        for number, entry in enumerate(self._entries, 1):
            if counts[number] < KINDS[entry.kind].least_share * mask.size:
                continue
            rows, columns = boxes[number - 1]
            box = (columns.start, rows.start, columns.stop, rows.stop)
            pixels = int(counts[number])
            found.append(Clue(entry.kind, entry.text, box, pixels, entry.misleading))
        return tuple(found)


def labels_of(kind: str) -> frozenset[int]:
    """The ADE20K ids that the pixels of a clue of this kind may have."""
    return frozenset(LABEL_INDEX[label] for label in KINDS[kind].labels)


def num_distinct(clues: Iterable[Clue]) -> int:
    """How many different things tell where a scene is; misleading ones and repeats do not count."""
    return len({(clue.kind, clue.text) for clue in clues if not clue.misleading})
