"""Whether a picture is like those that a model learnt from, by how fine structure is spread in it.

A photograph has grain and texture at every scale; a drawn scene has areas without any. At four
scales the local contrasts of a picture are described by some of their quantiles, and a picture is
unfamiliar that is further from the known ones (Mahalanobis distance) than nearly all of them are
from each other. A known picture counts as it is and as others may give it, since texture changes
where a picture is stored again or drawn in another size. The mean of the vision part's vectors was
measured too: it tells far less, since that part learnt to see in photographs what it knows.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from georay.core.manifest import write_atomic

FILE = "familiarity.safetensors"
REFUSED_SHARE = 0.01
"""Of the pictures that are like the known ones, those that may be called unfamiliar."""

_SIDE = 224  # pixels; as small as the smallest eye, so that finer structure plays no part
_NUM_SCALES = 4
_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.97)
_LEAST_CONTRAST = 1e-3  # of 1: a quarter of a grey level
_STORED_QUALITY = 60
_SMALLER, _LARGER = 320, 640  # pixels
_RIDGE = 1e-6
_EVERY = 3  # each third picture chooses the threshold, the others describe
_FEWEST = 10 * _NUM_SCALES * len(_QUANTILES)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Familiarity:
    """Known pictures by their texture. mean [24], precision [24, 24]: of their descriptions.
    furthest: the distance from which on a picture is unfamiliar. weights: those that know these
    pictures, hashes by name.
    """

    mean: Floats
    precision: Floats
    furthest: float
    weights: Mapping[str, str]

    @classmethod
    def fit(cls, textures: Floats, weights: Mapping[str, str]) -> Self:
        """Of the textures [pictures, forms, 24] of known pictures, as `textures_of` gives them.
        weights: of the model that knows them, by name and hash.

        Two of three describe them, and the threshold is chosen so that `REFUSED_SHARE` of the third
        are beyond it. Raises ValueError for fewer than 240.
        """
        if len(textures) < _FEWEST:
            raise ValueError(f"familiarity needs {_FEWEST} pictures or more, got {len(textures)}")
        is_kept_aside = np.arange(len(textures)) % _EVERY == _EVERY - 1
        described, kept_aside = (
            textures[chosen].reshape(-1, textures.shape[-1])
            for chosen in (~is_kept_aside, is_kept_aside)
        )
        spread: Floats = np.cov(described.T) + _RIDGE * np.eye(textures.shape[-1])
        precision: Floats = np.linalg.inv(spread).astype(np.float64)
        found = cls(described.mean(axis=0), precision, np.inf, dict(weights))
        distances = found.distances(kept_aside)
        return replace(found, furthest=float(np.quantile(distances, 1 - REFUSED_SHARE)))

    def distances(self, textures: Floats) -> Floats:
        """[pictures] How far each is from the known ones, in their standard deviations."""
        off = textures - self.mean
        far: Floats = np.sqrt(np.einsum("ni,ij,nj->n", off, self.precision, off))
        return far

    def is_like(self, picture: Image.Image) -> bool:
        """Whether a picture is like the known ones."""
        return bool(self.distances(texture_of(picture)[None])[0] <= self.furthest)

    def is_of(self, weights: Mapping[str, str]) -> bool:
        """Whether all of these weights are among those that it is of."""
        return dict(weights).items() <= dict(self.weights).items()

    def save(self, folder: Path) -> None:
        """Writes it beside the model or the adapters that it belongs to."""
        parts = {
            "mean": self.mean,
            "precision": self.precision,
            "furthest": np.array([self.furthest]),
        }
        write_atomic(folder / FILE, save(parts, {"weights": json.dumps(dict(self.weights))}))

    @classmethod
    def find(cls, folder: Path) -> Self | None:
        """What `save` left in a folder, if anything. Raises ValueError for a damaged file."""
        path = folder / FILE
        if not path.is_file():
            return None
        try:
            with safe_open(path, "numpy") as file:
                parts = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                weights = json.loads((file.metadata() or {})["weights"])
            (furthest,) = parts["furthest"]
            return cls(parts["mean"], parts["precision"], float(furthest), weights)
        except (SafetensorError, KeyError, ValueError) as problem:
            again = "fit it again with georay calibrate, or remove it"
            raise ValueError(f"{path} is not a familiarity ({again}): {problem}") from None


def texture_of(picture: Image.Image) -> Floats:
    """Logarithms of quantiles of local contrasts [24], scale by scale from the finest.

    picture: of any size, taken as a square of 224 pixels in grey.
    """
    square = picture.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
    grey = np.asarray(square, dtype=np.float64) / 255
    found = []
    for _ in range(_NUM_SCALES):
        around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
        contrast = np.abs(grey[1:-1, 1:-1] - around / 4)
        found.append(np.log(np.quantile(contrast, _QUANTILES) + _LEAST_CONTRAST))
        grey = (grey[::2, ::2] + grey[1::2, ::2] + grey[::2, 1::2] + grey[1::2, 1::2]) / 4
    return np.concatenate(found)


def textures_of(picture: Image.Image) -> Floats:
    """[forms, 24] The textures of a picture as it is, and as others may give it."""
    return np.stack([texture_of(form) for form in _forms_of(picture)])


def _forms_of(picture: Image.Image) -> list[Image.Image]:
    """As it is, stored anew, smaller, larger, and with the hard edges of one drawn small."""
    stored = io.BytesIO()
    picture.convert("RGB").save(stored, "JPEG", quality=_STORED_QUALITY)
    return [
        picture,
        Image.open(stored),
        picture.resize((_SMALLER, _SMALLER), Image.Resampling.BICUBIC),
        picture.resize((_LARGER, _LARGER), Image.Resampling.BICUBIC),
        picture.resize((_SIDE, _SIDE), Image.Resampling.NEAREST),
    ]
