"""How sure the small segmenter must be, found on validation photographs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from georay.config.segmenter import AbstentionRecipe, MaskSet
from georay.factory.segmenter.camvid import VOID, Example
from georay.factory.segmenter.masks import MaskFolder
from georay.models.segmenters.abstention import Abstention
from georay.models.segmenters.base import UNKNOWN
from georay.models.segmenters.small import SmallSegmenter

_EVERY = 7
"""Rows and columns of which one is looked at: neighbours say the same."""


def calibrated(
    segmenter: SmallSegmenter, sets: Sequence[MaskSet], split: str, settings: AbstentionRecipe
) -> Abstention:
    """The bounds at which a stated share of right pixels and of known pictures is given up.

    segmenter: one that does not abstain yet. Raises ValueError if a set is not as it should be.
    """
    sure_of_right, pictures = [], []
    for one in sets:
        folder = MaskFolder(one, [split])
        lookup = folder.labels.class_of_ade20k()
        for example in folder:
            sure, ids = _looked_at(segmenter, example)
            truth = example.classes[::_EVERY, ::_EVERY]
            sure_of_right.append(sure[(truth != VOID) & (lookup[ids] == truth)])
            pictures.append((sure, ids))
    bound = round(float(np.quantile(np.concatenate(sure_of_right), settings.right_lost)), 4)
    unknown = [float(((sure < bound) | (ids == UNKNOWN)).mean()) for sure, ids in pictures]
    return Abstention(bound, round(float(np.quantile(unknown, 1 - settings.pictures_marked)), 4))


def _looked_at(
    segmenter: SmallSegmenter, example: Example
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Confidence and ADE20K id of some pixels of a picture."""
    image = Image.fromarray(example.pixels)
    sure, ids = segmenter.confidences(image), segmenter.full_class_map(image)
    return sure[::_EVERY, ::_EVERY], ids[::_EVERY, ::_EVERY]
