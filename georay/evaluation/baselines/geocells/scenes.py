"""Classifies the scene of a picture (natural, urban, indoor) by the classes of its pixels."""

import torch
from torch import Tensor

from georay.config.baselines import SCENE_KINDS, SceneKind
from georay.locatability.labels import LABEL_INDEX, NUM_LABELS

_LABELS: dict[SceneKind, tuple[str, ...]] = {
    "natural": (
        *("tree", "grass", "plant", "palm", "flower", "field", "earth", "land", "mountain"),
        *("hill", "rock", "sand", "water", "sea", "river", "lake", "falls", "dirt track"),
    ),
    "urban": (
        *("building", "house", "skyscraper", "tower", "hovel", "road", "sidewalk", "bridge"),
        *("car", "bus", "truck", "van", "minibike", "street lamp", "traffic light", "signboard"),
        *("fence", "awning", "bannister", "pole", "trash can", "person"),
    ),
    "indoor": (
        *("floor", "ceiling", "bed", "cabinet", "table", "curtain", "chair", "sofa", "shelf"),
        *("wardrobe", "lamp", "tub", "cushion", "chest of drawers", "counter", "sink"),
        *("fireplace", "refrigerator", "pillow", "bookcase", "desk", "armchair", "rug"),
    ),
}
URBAN = SCENE_KINDS.index("urban")


def kinds_of(classes: Tensor) -> Tensor:
    """[N] the number of each picture's kind in SCENE_KINDS; urban where none shows.

    classes: ADE20K ids [N, H, W]; what is beyond them, not known, counts for no kind.
    """
    ids = classes.flatten(1).clamp(max=NUM_LABELS)
    counts = torch.nn.functional.one_hot(ids, NUM_LABELS + 1)[..., :NUM_LABELS].sum(dim=1)
    of_kinds = counts.float() @ _membership().to(classes.device)
    of_kinds[:, URBAN] += 0.5  # half a pixel, for pictures without any
    return of_kinds.argmax(dim=1)


def _membership() -> Tensor:
    """[labels, kinds] 1 where a label is of a kind."""
    found = torch.zeros(NUM_LABELS, len(SCENE_KINDS))
    for number, kind in enumerate(SCENE_KINDS):
        for label in _LABELS[kind]:
            found[LABEL_INDEX[label], number] = 1
    return found
