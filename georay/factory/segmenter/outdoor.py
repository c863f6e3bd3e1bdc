"""How right a segmenter is on photographs of the world, over sets that tell different things apart.

A set's class is right where any label that it covers is predicted: a pavement is right as a
sidewalk in a set that calls all that is walked on road. What a set cannot name is passed over.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import spearmanr

from georay.config.segmenter import MaskSet
from georay.factory.segmenter.camvid import VOID
from georay.factory.segmenter.evaluate import FullSizeSegmenter
from georay.factory.segmenter.label_sets import SOMETHING_ELSE
from georay.factory.segmenter.masks import MaskFolder
from georay.locatability.labels import LABEL_INDEX
from georay.locatability.score import area_ratio
from georay.locatability.weights import published_weights
from georay.models.segmenters.base import UNKNOWN
from georay.models.segmenters.small import OTHER

FEWEST_PICTURES = 10
"""A class that fewer pictures show is listed, but left out of the mean."""

AREA_GROUPS: dict[str, tuple[str, ...]] = {
    "sky": ("sky",),
    "tree": ("tree", "palm", "plant"),
    "ground": ("road", "sidewalk", "path", "earth", "sand"),
    "grass": ("grass", "field"),
    "water": ("water", "sea"),
    "building": ("building", "house", "wall", "skyscraper", "tower", "ceiling", "awning"),
    "mountain": ("mountain", "rock"),
}
_SMALLEST_SHARE = 0.5
"""Of a picture that must be of the seven groups for its areas to be compared."""


@dataclass
class ClassCount:
    """Pixels of a class over all sets, and the pictures that show it."""

    right: int = 0
    union: int = 0
    num_pictures: int = 0

    @property
    def iou(self) -> float:
        return self.right / self.union if self.union else float("nan")


@dataclass
class OutdoorScore:
    """What was counted over the pictures of some sets.

    overlaps: of each picture's area ratios with the truth, over seven groups. not_road: pixels
    that are known to be no road; called_road: those of them that were taken for one.
    locatabilities: of each picture by its mask and by the segmenter, over labelled pixels, with
    the published weights.
    """

    classes: dict[str, ClassCount] = field(default_factory=dict)
    overlaps: list[float] = field(default_factory=list)
    locatabilities: list[tuple[float, float]] = field(default_factory=list)
    not_road: int = 0
    called_road: int = 0
    known: int = 0
    unknown: int = 0
    num_pictures: int = 0

    @property
    def mean_iou(self) -> float:
        """Over the classes that at least `FEWEST_PICTURES` pictures show."""
        shown = [one for one in self.classes.values() if one.num_pictures >= FEWEST_PICTURES]
        return float(np.mean([one.iou for one in shown])) if shown else float("nan")

    @property
    def mean_overlap(self) -> float:
        return float(np.mean(self.overlaps)) if self.overlaps else float("nan")

    @property
    def road_where_none_is(self) -> float:
        return self.called_road / self.not_road if self.not_road else float("nan")

    @property
    def rank_correlation(self) -> float:
        """Spearman's, of the two locatabilities; NaN for fewer than three pictures."""
        if len(self.locatabilities) < 3:
            return float("nan")
        by_mask, seen = zip(*self.locatabilities, strict=True)
        return float(spearmanr(by_mask, seen).statistic)

    def as_text(self) -> str:
        shown = [item for item in self.classes.items() if item[1].num_pictures]
        rows = sorted(shown, key=lambda item: -item[1].num_pictures)
        lines = [f"{name:<14}{one.iou:.4f}  {one.num_pictures:>4} pictures" for name, one in rows]
        return "\n".join(
            [
                *lines,
                f"mean IoU of classes in at least {FEWEST_PICTURES} pictures: {self.mean_iou:.4f}",
                f"mean overlap of area ratios, seven groups: {self.mean_overlap:.4f} "
                f"({len(self.overlaps)} pictures)",
                f"called road where no road is: {self.road_where_none_is:.4f}",
                f"rank correlation of locatability with that of the masks: "
                f"{self.rank_correlation:.4f}",
                f"not known: {self.unknown / max(self.known, 1):.4f} of labelled pixels",
                f"pictures: {self.num_pictures}",
            ]
        )


def evaluate_outdoor(
    segmenter: FullSizeSegmenter, sets: Sequence[MaskSet], split: str
) -> OutdoorScore:
    """Scores full-size class maps against the masks of one split of every set.

    Raises ValueError if a set is not there or not as it should be.
    """
    score = OutdoorScore()
    for settings in sets:
        _count_set(score, segmenter, MaskFolder(settings, [split]))
    return score


def sets_that_are_there(sets: Sequence[MaskSet]) -> list[MaskSet]:
    """The sets whose folder exists: evaluation leaves out the others."""
    return [one for one in sets if Path(one.folder).exists()]


def _count_set(score: OutdoorScore, segmenter: FullSizeSegmenter, examples: MaskFolder) -> None:
    names = examples.labels.names
    lookup = examples.labels.class_of_ade20k()
    group_of_class = _group_of_class(names)
    named = np.array([*(name not in (SOMETHING_ELSE, OTHER) for name in names), False])
    weights = published_weights().values
    weight_of_class = np.array(
        [weights[LABEL_INDEX[n]] if n in LABEL_INDEX else 0.0 for n in names]
    )
    road = names.index("road") if "road" in names else -1
    for example in examples:
        labels = segmenter.full_class_map(Image.fromarray(example.pixels))
        labelled = example.classes != VOID
        truth, found = example.classes[labelled].astype(np.int64), lookup[labels[labelled]]
        score.num_pictures += 1
        score.known += truth.size
        score.unknown += int((labels[labelled] == UNKNOWN).sum())
        if road >= 0:
            score.not_road += int((truth != road).sum())
            score.called_road += int(((truth != road) & (found == road)).sum())
        of_mask = weight_of_class[truth].mean()
        seen = float(area_ratio(labels[labelled]) @ weights)
        score.locatabilities.append((float(of_mask), seen))
        _count_classes(score, names, truth[named[truth]], found[named[truth]])
        _count_areas(score, group_of_class[truth], group_of_class[found])


def _count_classes(
    score: OutdoorScore,
    names: Sequence[str],
    truth: NDArray[np.int64],
    found: NDArray[np.uint8],
) -> None:
    size = len(names) + 1
    table = np.bincount(truth * size + found, minlength=size * size).reshape(size, size)
    for index, name in enumerate(names):
        there, right = int(table[index].sum()), int(table[index, index])
        wrongly = int(table[:, index].sum()) - right
        if there or wrongly:
            one = score.classes.setdefault(name, ClassCount())
            one.right += right
            one.union += there + wrongly
            one.num_pictures += there > 0


def _group_of_class(names: Sequence[str]) -> NDArray[np.int64]:
    """Which of the seven area groups each class of a set belongs to, one beyond them if none."""
    groups = list(AREA_GROUPS.values())
    of_class = [
        next((at for at, group in enumerate(groups) if name in group), len(groups))
        for name in names
    ]
    return np.array([*of_class, len(groups)])


def _count_areas(score: OutdoorScore, truth: NDArray[np.int64], found: NDArray[np.int64]) -> None:
    """The overlap of the seven groups' shares, over pixels that belong to one of them."""
    grouped = truth < len(AREA_GROUPS)
    if grouped.mean() < _SMALLEST_SHARE:
        return
    size = len(AREA_GROUPS) + 1
    expected, seen = (
        np.bincount(part[grouped], minlength=size)[:-1] / grouped.sum() for part in (truth, found)
    )
    score.overlaps.append(float(np.minimum(expected, seen).sum()))
