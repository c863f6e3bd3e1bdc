"""How much each segmentation class matters for geo-localization (paper, section 3.1)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from georay.core.manifest import digest
from georay.locatability.labels import ADE20K_LABELS

Scope = Literal["global", "row", "column"]
Similarity = NDArray[np.floating]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class WeightSettings:
    """`scope`: over what the min-max of the similarities runs. `threshold`: below it they are 0."""

    scope: Scope = "global"
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if self.scope not in get_args(Scope):
            raise ValueError(
                f"scope must be one of {', '.join(get_args(Scope))}, not {self.scope!r}"
            )
        if not 0 <= self.threshold < 1:
            raise ValueError(f"threshold must be in [0, 1), not {self.threshold}")


@dataclass(frozen=True)
class ClassWeights:
    """A weight in [0, 1] for each of the 150 ADE20K classes, and how it came about."""

    values: NDArray[np.float64]
    source: str
    encoder: str = ""
    num_clues: int = 0
    clues_hash: str = ""
    settings: WeightSettings | None = None

    def __post_init__(self) -> None:
        if self.values.shape != (len(ADE20K_LABELS),) or not np.isfinite(self.values).all():
            raise ValueError(
                f"class weights must be {len(ADE20K_LABELS)} finite numbers in ADE20K order, "
                f"found shape {self.values.shape}"
            )

    @property
    def id(self) -> str:
        return digest([round(float(value), 12) for value in self.values])

    def to_json(self) -> dict[str, object]:
        """The content of weights.json."""
        return {
            "labels": list(ADE20K_LABELS),
            "weights": [float(value) for value in self.values],
            "id": self.id,
            "source": self.source,
            "encoder": self.encoder,
            "num_clues": self.num_clues,
            "clues_hash": self.clues_hash,
            "scope": self.settings.scope if self.settings else None,
            "threshold": self.settings.threshold if self.settings else None,
        }


def weights_from_json(text: str) -> ClassWeights:
    """Class weights from the text of a weights.json; labels may come in any order.

    Raises ValueError if labels or weights are missing or are not the ADE20K classes.
    """
    try:
        content = json.loads(text)
        given = dict(zip(content["labels"], content["weights"], strict=True))
        values = np.array([given[label] for label in ADE20K_LABELS], dtype=np.float64)
    except (ValueError, KeyError, TypeError) as problem:
        raise ValueError(
            'not a weights file: expected JSON with "labels" (the 150 ADE20K names) and "weights" '
            f"of the same length; write one with `georay weights CLUES --out FILE` ({problem})"
        ) from problem
    scope = content.get("scope")
    return ClassWeights(
        values,
        source=str(content.get("source", "file")),
        encoder=str(content.get("encoder", "")),
        num_clues=int(content.get("num_clues", 0)),
        clues_hash=str(content.get("clues_hash", "")),
        settings=WeightSettings(scope, content["threshold"]) if scope else None,
    )


@cache
def published_weights() -> ClassWeights:
    """The 150 weights that the paper's authors published with their code (2024)."""
    text = resources.files("georay.locatability").joinpath("published_weights.json").read_text()
    return weights_from_json(text)


def class_weights(
    blocks: Iterable[Similarity], settings: WeightSettings | None = None
) -> NDArray[np.float64]:
    """Importance of each class: min-max, threshold to zero, mean over clues, min-max (section 3.1).

    blocks: clue × label similarities in blocks [num_clues_in_block, num_labels]; iterated twice
    (once with scope "row"), never held together, so memory does not grow with the clues.
    Returns [num_labels] in [0, 1]. Raises ValueError if there are no clues, or if a min-max is
    undefined because all its values are equal.
    """
    settings = settings or WeightSettings()
    extremes = None if settings.scope == "row" else _extremes(blocks, settings.scope)
    total: Floats = np.zeros(1)
    num_clues = 0
    for block in blocks:
        scaled = _min_max(block, *(extremes or _row_extremes(block)))
        total = total + np.where(scaled < settings.threshold, 0, scaled).sum(axis=0)
        num_clues += len(block)
    if not num_clues:
        raise ValueError("no clues: the weights need at least one sentence")
    mean = total / num_clues
    return _min_max(mean, mean.min(), mean.max())


def _extremes(blocks: Iterable[Similarity], scope: Scope) -> tuple[Floats, Floats]:
    axis = 0 if scope == "column" else None
    low, high = np.array(np.inf), np.array(-np.inf)
    for block in blocks:
        low, high = np.minimum(low, block.min(axis=axis)), np.maximum(high, block.max(axis=axis))
    return low, high


def _row_extremes(block: Similarity) -> tuple[Floats, Floats]:
    wide = block.astype(np.float64)
    return wide.min(axis=1, keepdims=True), wide.max(axis=1, keepdims=True)


def _min_max(values: Similarity, low: Floats, high: Floats) -> Floats:
    if np.any(low >= high):
        raise ValueError("min-max is undefined: all values are equal; are the clues all the same?")
    scaled: Floats = (values.astype(np.float64) - low) / (high - low)
    return scaled
