"""StreetWorld scenes as training examples."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from georay.config.segmenter import DrawnScenes
from georay.factory.segmenter.camvid import VOID, Example
from georay.locatability.labels import LABEL_INDEX
from georay.streetworld.export.records import write_folder
from georay.streetworld.world import StreetWorld

DRAWN_LABELS = (
    "road",
    "sky",
    "building",
    "tree",
    "wall",
    "field",
    "sidewalk",
    "earth",
    "grass",
    "car",
    "ceiling",
    "house",
    "skyscraper",
    "van",
    "fence",
    "tower",
    "signboard",
    "mountain",
    "palm",
    "street lamp",
    "plant",
    "pole",
    "sand",
    "bus",
    "person",
    "awning",
    "flag",
    "sea",
)
"""What StreetWorld's masks hold, by pixel share."""


def index_of_ade20k(labels: Sequence[str]) -> NDArray[np.uint8]:
    """Position in `labels` [256] of each ADE20K id; VOID where it is not among them."""
    lookup = np.full(256, VOID, np.uint8)
    for position, label in enumerate(labels):
        if label in LABEL_INDEX:  # not the head's "other"
            lookup[LABEL_INDEX[label]] = position
    return lookup


class SceneFolder(Sequence[Example]):
    """Scenes that `write_folder` wrote, read when asked for; classes by a lookup [256]."""

    def __init__(
        self, pictures: Sequence[Path], class_of_ade20k: NDArray[np.uint8], label_set: int = 0
    ) -> None:
        self._pictures = pictures
        self._lookup = class_of_ade20k
        self._label_set = label_set

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Example:  # type: ignore[override]
        picture = self._pictures[index]
        with Image.open(picture) as image:
            pixels = np.asarray(image.convert("RGB"))
        with Image.open(picture.parents[1] / "masks" / f"{picture.stem}.png") as image:
            mask = np.asarray(image)
        return Example(picture.stem, pixels, self._lookup[mask], self._label_set)

    def repeated(self, times: NDArray[np.int64]) -> "SceneFolder":
        """The same scenes, each as often as `times` [scenes] says."""
        pictures = [
            self._pictures[index] for index in np.repeat(np.arange(len(self)), times).tolist()
        ]
        return SceneFolder(pictures, self._lookup, self._label_set)


def training_scenes(
    settings: DrawnScenes, labels: Sequence[str], label_set: int = 0
) -> SceneFolder:
    """The scenes to train on, drawn if they are not there yet; classes index `labels`.

    A scene with a class that few scenes have comes several times (Gupta et al. 2019, section 4.1).
    """
    pictures = _pictures(settings.folder, settings.seed, settings.num_scenes)
    scenes = SceneFolder(pictures, index_of_ade20k(labels), label_set)
    present = np.stack(
        [np.bincount(scene.classes.ravel(), minlength=256)[:VOID] > 0 for scene in scenes]
    )
    return scenes.repeated(_repeats(present))


def _repeats(present: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How often each scene comes, by the rarest of its classes; present: [scenes, classes]."""
    shares = np.maximum(present.mean(axis=0), 1 / len(present))
    return np.rint((present / np.sqrt(shares)).max(axis=1)).astype(np.int64)


def held_out_scenes(settings: DrawnScenes) -> SceneFolder:
    """The scenes to evaluate on, of another seed; classes index `DRAWN_LABELS`."""
    pictures = _pictures(settings.folder, settings.test_seed, settings.num_test_scenes)
    return SceneFolder(pictures, index_of_ade20k(DRAWN_LABELS))


def _pictures(folder: Path, seed: int, number: int) -> list[Path]:
    """The first scenes of a world in a folder of their own, whatever else that folder holds."""
    home = folder / f"seed-{seed}"
    pictures = [home / "images" / f"streetworld-{seed}-{i:08d}.jpg" for i in range(number)]
    # A scene's mask is written after its picture: the last one says that all are whole.
    if not all((home / "masks" / f"{picture.stem}.png").exists() for picture in pictures):
        write_folder(StreetWorld(seed), number, home)
    return pictures
