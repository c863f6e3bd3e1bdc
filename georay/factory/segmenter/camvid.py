"""CamVid (Brostow et al. 2008, 2009) as 11 classes of 480×360 photographs."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from georay.locatability.labels import LABEL_INDEX

CLASSES = (
    "sky",
    "building",
    "pole",
    "road",
    "pavement",
    "tree",
    "sign",
    "fence",
    "car",
    "pedestrian",
    "bicyclist",
)
NUM_CLASSES = len(CLASSES)
VOID = 255
"""Pixels without a class; the files store them as 11."""


ADE20K_LABELS_OF_CLASS: dict[str, tuple[str, ...]] = {
    # The first is the label that a network trained on CamVid alone predicts.
    "sky": ("sky",),
    "building": (
        "building",
        "wall",
        "house",
        "skyscraper",
        "tower",
        "bridge",
        "door",
        "window",
        "awning",
        "booth",
        "hovel",
    ),
    "pole": ("pole", "street lamp", "column"),
    "road": ("road",),
    "pavement": ("sidewalk", "path"),
    "tree": ("tree", "palm", "plant", "grass", "flower", "field"),
    "sign": ("signboard", "traffic light", "poster", "trade name"),
    "fence": ("fence", "rail", "bannister"),
    "car": ("car", "bus", "truck", "van"),
    "pedestrian": ("person", "animal", "bag"),
    "bicyclist": ("bicycle", "minibike"),
}
"""CamVid's 11 classes merge what ADE20K tells apart."""


@dataclass(frozen=True)
class Example:
    """A photograph, uint8 [H, W, 3], and its classes, uint8 [H, W] with VOID where unlabelled.

    label_set: position, among the label sets that are trained on, of the one of these classes.
    """

    name: str
    pixels: NDArray[np.uint8]
    classes: NDArray[np.uint8]
    label_set: int = 0


def class_of_ade20k() -> NDArray[np.uint8]:
    """CamVid class [256] of each ADE20K id; NUM_CLASSES where CamVid has none."""
    lookup = np.full(256, NUM_CLASSES, np.uint8)
    for index, name in enumerate(CLASSES):
        lookup[[LABEL_INDEX[label] for label in ADE20K_LABELS_OF_CLASS[name]]] = index
    return lookup


def read_split(root: Path, split: str) -> list[Example]:
    """Every labelled photograph of a split, sorted by name.

    Raises ValueError if the split is missing or a photograph has no mask.
    """
    photographs = sorted((root / split).glob("*.jpg"))
    if not photographs:
        raise ValueError(f"no photographs in {root / split}: is `camvid` the CamVid folder?")
    return [_read(photograph, root / f"{split}_labels") for photograph in photographs]


def _read(photograph: Path, masks: Path) -> Example:
    mask = masks / f"{photograph.stem}.png"
    if not mask.exists():
        raise ValueError(f"{photograph} has no mask {mask}")
    pixels, classes = read_pair(photograph, mask)
    classes[classes >= NUM_CLASSES] = VOID
    return Example(photograph.stem, pixels, classes)


def read_pair(photograph: Path, mask: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pixels uint8 [H, W, 3] and mask values uint8 [H, W].

    Raises ValueError if the two differ in size or the mask is no 8-bit index picture.
    """
    with Image.open(photograph) as image:
        pixels = np.asarray(image.convert("RGB"))
    with Image.open(mask) as image:
        values = np.array(image)
    if values.dtype != np.uint8 or values.shape != pixels.shape[:2]:
        raise ValueError(
            f"{mask} is no 8-bit index mask of {pixels.shape[1]} x {pixels.shape[0]} pixels, the "
            f"size of {photograph.name}"
        )
    return pixels, values
