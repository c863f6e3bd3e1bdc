"""Loads the segmenter of a name: from images to the area of each class.

Paper, section 3.1: MaskFormer gives each street view the area ratio of the 150 ADE20K classes.
"""

from pathlib import Path

from georay.core.fetched import name_here
from georay.core.manifest import digest, file_sha256
from georay.errors import ModelUnavailable
from georay.models.segmenters.base import SMALL, SMALL_WEIGHTS, Segmenter

DEFAULT_SEGMENTER = "facebook/maskformer-swin-base-ade"


def load_segmenter(
    name: str, *, revision: str | None = None, exact: bool = False, device: str = "cpu"
) -> Segmenter:
    """The segmenter of a name: "small", a hub id with its revision, or a folder or its uri.

    `exact` decides classes at the size of the image instead of at the network's reduced
    resolution; it applies to models of transformers. Raises ModelUnavailable if weights cannot
    be had, ValueError for a hub id without revision or a model with unknown class names.
    """
    if name == SMALL:
        from georay.models.segmenters.small import load_small

        return load_small(device=device)
    name = name_here(name)
    from georay.models.segmenters.hub import MASKFORMER, model_config
    from georay.models.segmenters.maskformer import load_maskformer
    from georay.models.segmenters.semantic import load_semantic

    config = model_config(name, revision)
    load = load_maskformer if config.model_type == MASKFORMER else load_semantic
    return load(name, revision=revision, exact=exact, device=device)


def usable_device(wanted: str) -> str:
    """The device that a recipe names for its workers, or the CPU where this process has none."""
    import torch

    device = torch.device(wanted)
    if device.type == "cuda":
        is_there = (device.index or 0) < torch.cuda.device_count()
    else:
        is_there = device.type != "mps" or torch.backends.mps.is_available()
    return wanted if is_there else "cpu"


def weights_digest(name: str) -> str | None:
    """Digest of the weights of "small" or of a local folder; None for a hub id.

    A hub's weights are named by their revision; local ones may change under the same name.
    Raises ModelUnavailable for a folder without weights.
    """
    folder = Path(name_here(name))
    if name != SMALL and not folder.is_dir():
        return None
    files = [SMALL_WEIGHTS] if name == SMALL else sorted(folder.glob("*.safetensors"))
    if not files:
        raise ModelUnavailable(
            f"cannot load the segmenter {name}: the folder holds no .safetensors. Give the folder "
            "of a downloaded model, or use the segmenter that the package carries "
            "(--segmenter small)."
        )
    return digest(*map(file_sha256, files))
