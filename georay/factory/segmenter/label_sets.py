"""What the small segmenter tells apart, and how coarser label sets teach it.

A mask value stands for a group of head labels: where a data set calls all walked ground "road",
its road pixel teaches the summed probability of road, sidewalk and path, and other data teach how
the sum divides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from georay.factory.segmenter.camvid import ADE20K_LABELS_OF_CLASS, CLASSES, VOID
from georay.factory.segmenter.drawn import DRAWN_LABELS
from georay.locatability.labels import ADE20K_LABELS, NUM_LABELS, short_name
from georay.models.segmenters.label_maps import ade20k_ids
from georay.models.segmenters.small import OTHER

PHOTOGRAPH_LABELS = ("water", "rock", "path", "animal", "plane", "boat")
"""What neither CamVid nor drawn scenes have and the outdoor photographs do."""

SOMETHING_ELSE = "something else"
"""A mask's class without an ADE20K name: any head label that no other class of its set covers."""

_HOUSES = ("wall", "house", "skyscraper", "tower", "bridge", "hovel", "booth")
_PARTS_OF_HOUSES = ("door", "window", "awning", "ceiling", "canopy")
BROADER: Mapping[str, tuple[str, ...]] = {
    "sidewalk": ("road",),
    "path": ("sidewalk", "road"),
    "dirt track": ("path", "road"),
    "runway": ("road",),
    "floor": ("sidewalk", "road"),
    "sand": ("earth",),
    "land": ("earth",),
    "rock": ("mountain",),
    "hill": ("mountain",),
    "grass": ("tree",),
    "field": ("grass", "tree"),
    "plant": ("tree",),
    "flower": ("plant", "tree"),
    "palm": ("tree",),
    **dict.fromkeys((*_HOUSES, *_PARTS_OF_HOUSES), ("building",)),
    **dict.fromkeys(("sea", "river", "lake", "pool", "falls"), ("water",)),
    **dict.fromkeys(("van", "bus", "truck"), ("car",)),
    **dict.fromkeys(("street lamp", "column"), ("pole",)),
    **dict.fromkeys(("traffic light", "poster", "trade name"), ("signboard",)),
    **dict.fromkeys(("rail", "bannister"), ("fence",)),
    "minibike": ("bicycle",),
    "ship": ("boat",),
}
"""Where a label counts if its own is missing: the first of these that is there."""


def head_labels() -> tuple[str, ...]:
    """The head's labels: CamVid's eleven, what drawn scenes and photographs add, and the rest."""
    of_camvid = tuple(labels[0] for labels in ADE20K_LABELS_OF_CLASS.values())
    drawn = tuple(label for label in DRAWN_LABELS if label not in of_camvid)
    return (*of_camvid, *drawn, *PHOTOGRAPH_LABELS, OTHER)


@dataclass(frozen=True, eq=False)
class LabelSet:
    """The classes of a data set as disjoint groups of labels of the small segmenter's head.

    of_value: class [256] of each mask value, VOID where unlabelled.
    """

    names: tuple[str, ...]
    groups: tuple[tuple[int, ...], ...]
    of_value: NDArray[np.uint8]

    def class_of_ade20k(self) -> NDArray[np.uint8]:
        """The class [256] that a predicted ADE20K id counts as; the number of classes if none.

        What the segmenter does not know (UNKNOWN) counts as no class.
        """
        labels = head_labels()
        class_of = {labels[i]: at for at, group in enumerate(self.groups) for i in group}
        lookup = np.full(256, len(self.names), np.uint8)
        for ade20k_id in range(NUM_LABELS):
            lookup[ade20k_id] = class_of.get(_in_head(ade20k_id) or "", len(self.names))
        return lookup


def _in_head(ade20k_id: int) -> str | None:
    """The head label that an ADE20K label counts as, if there is one."""
    name = short_name(ADE20K_LABELS[ade20k_id])
    labels = head_labels()
    return next((label for label in (name, *BROADER.get(name, ())) if label in labels), None)


def camvid_label_set() -> LabelSet:
    """CamVid's eleven classes."""
    labels = head_labels()
    groups = tuple(
        tuple(labels.index(name) for name in ADE20K_LABELS_OF_CLASS[one] if name in labels)
        for one in CLASSES
    )
    return LabelSet(CLASSES, groups, np.arange(256, dtype=np.uint8))


def drawn_label_set() -> LabelSet:
    """Every head label by itself."""
    labels = head_labels()
    return LabelSet(
        labels, tuple((index,) for index in range(len(labels))), np.arange(256, dtype=np.uint8)
    )


def label_set(
    classes: Mapping[int, str | None], counts_as: Mapping[str, Sequence[str]]
) -> LabelSet:
    """The set of a folder whose mask values mean these ADE20K labels; None: it has no name.

    counts_as: labels that a class of this set covers beyond those it obviously does. Raises
    ValueError if it speaks of a label that the set or the head does not have.
    """
    values = {
        value: SOMETHING_ELSE if name is None else _in_head(ade20k_ids([name])[0]) or OTHER
        for value, name in classes.items()
    }
    names = tuple(dict.fromkeys(values.values()))
    members = _members(names, counts_as)
    of_value = np.full(256, VOID, np.uint8)
    for value, name in values.items():
        of_value[value] = names.index(name)
    labels = head_labels()
    groups = tuple(tuple(labels.index(label) for label in members[name]) for name in names)
    return LabelSet(names, groups, of_value)


def _members(names: Sequence[str], counts_as: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The head labels that each class of a set covers; a label is covered once."""
    labels = head_labels()
    wrong = [name for name in counts_as if name not in names]
    wrong += [one for some in counts_as.values() for one in some if one not in labels]
    if wrong:
        raise ValueError(f"counts_as speaks of {', '.join(wrong)}, which is no label here")
    asked = {label: name for name, some in counts_as.items() for label in some}
    members: dict[str, list[str]] = {name: [] for name in names}
    rest = SOMETHING_ELSE if SOMETHING_ELSE in names else None
    for label in labels:
        chain = (label, *BROADER.get(label, ()))
        home = label if label in names else asked.get(label)
        home = home or next((one for one in chain if one in names), rest)
        if home:
            members[home].append(label)
    return members
