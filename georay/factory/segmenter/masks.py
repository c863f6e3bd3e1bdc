"""Folders of pictures with masks, one's own or a published set's.

    SET/classes.txt               index, name, ADE20K label or -, separated by tabs
    SET/train/NAME.jpg            pictures: .jpg, .jpeg or .png
    SET/train_labels/NAME.png     8-bit index masks of the same size, 255 where unlabelled

Other splits are beside `train`.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from georay.config.segmenter import MaskSet
from georay.factory.segmenter.camvid import Example, read_pair
from georay.factory.segmenter.label_sets import LabelSet, label_set
from georay.models.segmenters.label_maps import ade20k_ids
from georay.models.segmenters.small import WORKING_AREA

CLASSES_FILE = "classes.txt"
_PICTURES = (".jpg", ".jpeg", ".png")


class MaskFolder(Sequence[Example]):
    """The pictures of a set's splits, read when asked for; masks hold the set's classes."""

    def __init__(self, settings: MaskSet, splits: Sequence[str], *, index: int = 0) -> None:
        """index: which label set the examples say they have.

        Raises ValueError if a split has no pictures, a picture no mask, or classes.txt is wrong.
        """
        self.labels = read_label_set(settings)
        self._index = index
        self._pairs = [pair for split in splits for pair in _pairs(settings.folder, split)]

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> Example:  # type: ignore[override]
        picture, mask = self._pairs[index]
        pixels, values = read_pair(picture, mask)
        return Example(picture.stem, pixels, self.labels.of_value[values], self._index)


class AtWorkingSize(Sequence[Example]):
    """Examples of several folders, resized to as many pixels as the segmenter works on."""

    def __init__(self, folders: Sequence[MaskFolder]) -> None:
        self._folders = folders
        self._places = [(at, i) for at, folder in enumerate(folders) for i in range(len(folder))]

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> Example:  # type: ignore[override]
        at, position = self._places[index]
        example = self._folders[at][position]
        height, width = example.classes.shape
        scale = (WORKING_AREA / (width * height)) ** 0.5
        size = (round(width * scale), round(height * scale))
        return replace(
            example,
            pixels=np.asarray(
                Image.fromarray(example.pixels).resize(size, Image.Resampling.BILINEAR)
            ),
            classes=np.asarray(
                Image.fromarray(example.classes).resize(size, Image.Resampling.NEAREST)
            ),
        )


def read_label_set(settings: MaskSet) -> LabelSet:
    """The label set that a folder's classes.txt describes.

    Raises ValueError if there is none, a line cannot be read, or a label is unknown.
    """
    file = settings.folder / CLASSES_FILE
    if not file.exists():
        raise ValueError(f"{file} is missing: it says what the masks' numbers mean")
    lines = [line.strip() for line in file.read_text("utf-8").splitlines()]
    classes = dict(_class(file, line) for line in lines if line and not line.startswith("#"))
    return label_set(classes, settings.counts_as)


def _class(file: Path, line: str) -> tuple[int, str | None]:
    """A mask value and its ADE20K label: the third column, else the name if that is one."""
    columns = [column.strip() for column in line.split("\t")]
    if len(columns) != 3 or not columns[0].isdigit() or int(columns[0]) >= 255:
        raise ValueError(f"{file}: {line!r} is not an index below 255, a name and a label or -")
    index, name, label = columns
    if label == "-":
        return int(index), name if _is_label(name) else None
    if not _is_label(label):
        raise ValueError(f"{file}: {label!r} is no label of ADE20K; put - if none fits")
    return int(index), label


def _is_label(name: str) -> bool:
    try:
        ade20k_ids([name])
    except ValueError:
        return False
    return True


def _pairs(root: Path, split: str) -> list[tuple[Path, Path]]:
    folder, masks = root / split, root / f"{split}_labels"
    pictures = sorted(one for one in folder.glob("*") if one.suffix.lower() in _PICTURES)
    if not pictures:
        raise ValueError(f"no pictures in {folder}")
    pairs = [(picture, masks / f"{picture.stem}.png") for picture in pictures]
    for picture, mask in pairs:
        if not mask.exists():
            raise ValueError(f"{picture} has no mask {mask}")
    return pairs
