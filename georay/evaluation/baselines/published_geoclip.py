"""What the package geoclip holds, read as data: its weights and its gallery.

The package itself is not imported: that needs a torchvision built like torch, which is not to be
had beside every torch. Its weights are plain tensors: torch refuses a file with other objects.
"""

import csv
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from georay.errors import ModelUnavailable

_INSTEAD = "install it with `pip install --no-deps geoclip`, or set `published` to false"


def published_weights(part: str) -> dict[str, Tensor]:
    """The weights of "location_encoder", "image_encoder_mlp" or "logit_scale", by their names.

    The scale is one tensor, named "logit_scale". Raises ModelUnavailable without the package.
    """
    file = _folder() / "weights" / f"{part}_weights.pth"
    try:
        found = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as problem:  # torch's refusals share no class that may be named here
        raise ModelUnavailable(
            f"{file.name} of the package geoclip is damaged, or holds more than tensors"
        ) from problem
    return {part: found.detach()} if isinstance(found, Tensor) else dict(found)


def published_gallery() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitudes and longitudes of the package's 100,000 points. Raises ModelUnavailable."""
    return read_gallery(_folder() / "gps_gallery" / "coordinates_100K.csv")


@cache
def read_gallery(file: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The columns LAT and LON of a CSV file. Raises ModelUnavailable if it cannot be read."""
    try:
        with file.open(newline="", encoding="utf-8") as text:
            points = np.array([(row["LAT"], row["LON"]) for row in csv.DictReader(text)], float)
    except (OSError, KeyError, ValueError) as problem:
        raise ModelUnavailable(f"cannot read the gallery {file.name}: {problem}") from problem
    return points[:, 0], points[:, 1]


def _folder() -> Path:
    """Of the package's data; looking for it runs none of its code."""
    found = find_spec("geoclip")
    if found is None or not found.submodule_search_locations:
        raise ModelUnavailable(f"the package geoclip is not installed: {_INSTEAD}")
    return Path(found.submodule_search_locations[0]) / "model"
