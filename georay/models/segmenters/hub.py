"""Segmentation models of transformers, from the hub or from a local folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from transformers import AutoConfig, PreTrainedConfig

from georay.errors import ModelUnavailable
from georay.models.pinning import commit_of
from georay.models.segmenters.base import SMALL
from georay.models.segmenters.label_maps import ade20k_ids

Loaded = TypeVar("Loaded")

MASKFORMER = "maskformer"


def pinned_revision(name: str, revision: str | None) -> str | None:
    """The full commit hash of a hub id at `revision` (by default its main branch); None for others.

    Asked once at the start of a run and stored with it, so that every worker and every later
    resume loads the same weights. Raises ModelUnavailable if the hub cannot say.
    """
    if name == SMALL:
        return revision
    return commit_of(
        name,
        revision,
        "segmenter",
        "Give the full commit hash as `segmenter.revision` in a recipe, the folder of a "
        "downloaded model, or use the segmenter that the package carries (--segmenter small).",
    )


def model_config(name: str, revision: str | None) -> PreTrainedConfig:
    """The configuration of a model, which says what class it is.

    Raises ValueError if a hub id comes without a revision, ModelUnavailable if nothing is found.
    """
    if revision is None and not Path(name).is_dir():
        raise ValueError(
            f"{name} is a hub id, so it needs a revision: give the full commit hash that its "
            "model page lists under 'Files', or a branch if you accept that it may change"
        )
    return load_or_explain(AutoConfig.from_pretrained, name, revision)


def load_or_explain(
    load: Callable[..., Loaded], name: str, revision: str | None, **options: Any
) -> Loaded:
    """Calls a `from_pretrained`; raises ModelUnavailable, with what to do next, if it cannot."""
    try:
        return load(name, revision=revision, **options)
    except (OSError, ValueError) as problem:
        cause = str(problem).strip().splitlines()[0]
        raise ModelUnavailable(
            f"cannot load the segmenter {name}"
            f"{f' at revision {revision}' if revision else ''}: {cause}\n"
            "Without network access, use the segmenter that the package carries "
            "(--segmenter small), or give the folder of a downloaded model."
        ) from problem


def segmenter_id(name: str, revision: str | None) -> str:
    """What a score records: "facebook/maskformer-swin-base-ade@<revision>" or a folder's name."""
    return f"{name}@{revision}" if revision else Path(name).name


def ade20k_lookup(config: PreTrainedConfig) -> NDArray[np.uint8]:
    """ADE20K class id [num_labels] of each of the model's classes.

    Raises ValueError naming the classes that no table maps.
    """
    names = [config.id2label[index] for index in range(config.num_labels)]
    return np.array(ade20k_ids(names), np.uint8)
