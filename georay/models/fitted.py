"""What was fitted for a model and lies beside its weights: calibration and familiarity.

Each names the weights that it was fitted for, and is not used with others: a confidence that was
fitted for one network is no better than a made-up one for the next.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel

from georay.core.fetched import name_here
from georay.models.adapter_card import base_fingerprint, tensors_hash
from georay.models.adapters import AdapterStack
from georay.models.decoding.calibration import Calibration
from georay.models.familiarity import Familiarity
from georay.models.registry import REGISTRY

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fitted:
    """What was fitted for some weights; None for what was not."""

    calibration: Calibration | None = None
    familiarity: Familiarity | None = None


def find_fitted(folder: Path, weights: Mapping[str, str]) -> Fitted:
    """What lies in a folder and was fitted for these weights, by name and hash.

    A warning says of what was fitted for others that it is not used. Raises ValueError for a
    damaged file.
    """
    calibration, familiarity = Calibration.find(folder), Familiarity.find(folder)
    if calibration is not None and not calibration.is_of(weights):
        _warn("calibration", folder)
        calibration = None
    if familiarity is not None and not familiarity.is_of(weights):
        _warn("familiarity", folder)
        familiarity = None
    return Fitted(calibration, familiarity)


def check_fitted(folder: Path) -> None:
    """Raises ValueError for a damaged file in a folder, before any weights are loaded."""
    Calibration.find(folder)
    Familiarity.find(folder)


def weights_in_memory(network: PreTrainedModel, stack: AdapterStack | None) -> dict[str, str]:
    """The weights that act, by name and hash: of the active adapters, else of the bare base."""
    if stack is None:
        return {"base": base_fingerprint(network.named_parameters())}
    return {name: tensors_hash(stack.weights(name)) for name in stack.active}


def weights_folder(model: str) -> Path:
    """Where a model's weights lie, if they lie in a folder here."""
    spec = REGISTRY.get(model)
    return spec.folder if spec and spec.folder else Path(name_here(model))


def _warn(what: str, folder: Path) -> None:
    _log.warning(
        "the %s in %s was fitted for other weights, and is not used: fit it again with "
        "`georay calibrate`",
        what,
        folder,
    )
