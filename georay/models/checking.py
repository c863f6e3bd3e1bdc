"""Checks whether a model can be loaded, before anything large or slow begins.

The functions that load are asked: there is no second list of what may be wrong.
"""

import math
from collections.abc import Sequence
from pathlib import Path

from georay.core.fetched import name_here
from georay.models.fitted import check_fitted, weights_folder
from georay.models.loading import check_name, check_type
from georay.models.locator import adapter_names, load_model
from georay.models.placement import choose_placement
from georay.models.registry import REGISTRY, this_machine
from georay.models.saved_adapters import read_saved

_A_MOMENT = 512 << 20  # bytes of weights that are loaded in a moment


def check_model(
    model: str,
    adapters: Path | None = None,
    active: Sequence[str] = (),
    *,
    revision: str | None = None,
    device: str | None = None,
) -> None:
    """Raises what `load_model` would raise on this machine.

    A small model is loaded, on the CPU, and forgotten. Of a larger one all is checked but whether
    its weights are whole, and those of the adapters' base.
    """
    if device is None:
        choose_placement(model, this_machine())
    if _num_bytes(model) <= _A_MOMENT:
        load_model(model, adapters, active, revision=revision, device="cpu", precision="float32")
        return
    check_type(model, revision)
    check_parts(model, adapters, active, revision=revision)


def check_parts(
    model: str,
    adapters: Path | None = None,
    active: Sequence[str] = (),
    *,
    revision: str | None = None,
) -> None:
    """Raises what `load_model` would raise on any machine that sees these files.

    For who does not hold the model: neither weights nor a hub are asked for.
    """
    check_name(model, revision)
    if adapters is not None:
        read_saved(adapters, adapter_names(adapters, active))
    check_fitted(adapters or weights_folder(model))


def _num_bytes(model: str) -> float:
    """Of the weights, where they lie in a folder here."""
    spec = REGISTRY.get(model)
    folder = spec.folder if spec else Path(name_here(model))
    if folder is None or not folder.is_dir():
        return math.inf
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))
