"""Pictures as networks see them, and those that a worker learns from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from georay.core.gazetteer import Gazetteer
from georay.core.images import ImageLimits, squeezed
from georay.core.storage import read_bytes
from georay.errors import UnreadableImage
from georay.evaluation.baselines.protocol import Views
from georay.evaluation.datasets import KnownPicture
from georay.models.segmenters.base import Segmenter

_LIMITS = ImageLimits()


@dataclass(frozen=True)
class View:
    """One picture: pixels [S, S, 3], and ADE20K ids [S, S] where the system sees scenes."""

    pixels: NDArray[np.uint8]
    classes: NDArray[np.uint8] | None

    @property
    def num_bytes(self) -> int:
        return self.pixels.nbytes + (0 if self.classes is None else self.classes.nbytes)


class Viewer:
    """Squeezes pictures to a square, as Qwen-VL sees them too, and segments them if asked to."""

    def __init__(self, image_size: int, segmenter: Segmenter | None) -> None:
        self._size = image_size
        self._segmenter = segmenter

    def look(self, image: Image.Image) -> View:
        """What the network sees of a decoded RGB picture."""
        pixels = np.asarray(squeezed(image, self._size))
        if self._segmenter is None:
            return View(pixels, None)
        (ids,) = self._segmenter.class_maps([image])
        square = Image.fromarray(ids).resize((self._size, self._size), Image.Resampling.NEAREST)
        return View(pixels, np.asarray(square))

    def read(self, picture: KnownPicture) -> View:
        """The same from its file. Raises OSError, ValueError or UnreadableImage."""
        source = picture.source
        raw = read_bytes(source.file, _LIMITS.max_bytes)
        return self.look(source.decode(raw, _LIMITS).image)


def stacked(views: Sequence[View]) -> Views:
    """Views as one batch."""
    pixels = torch.from_numpy(np.stack([one.pixels for one in views])).permute(0, 3, 1, 2)
    classes = [one.classes for one in views if one.classes is not None]
    ids = torch.from_numpy(np.stack(classes)).long() if classes else None
    return Views(pixels.float() / 255, ids)


def randomly_cropped(views: Views, min_scale: float, dice: torch.Generator) -> Views:
    """Each picture's random square of at least `min_scale` of its sides, at its old size."""
    count = len(views.pixels)
    scale = min_scale + (1 - min_scale) * torch.rand(count, generator=dice)
    shift = (2 * torch.rand(count, 2, generator=dice) - 1) * (1 - scale)[:, None]
    placed = torch.zeros(count, 2, 3)
    placed[:, 0, 0], placed[:, 1, 1], placed[:, :, 2] = scale, scale, shift
    grid = functional.affine_grid(placed, list(views.pixels.shape), align_corners=False)
    pixels = functional.grid_sample(views.pixels, grid, padding_mode="border", align_corners=False)
    if views.classes is None:
        return Views(pixels)
    ids = functional.grid_sample(
        views.classes[:, None].float(), grid, "nearest", "border", align_corners=False
    )
    return Views(pixels, ids[:, 0].long())


class LearntPictures:
    """A worker's share of the training pictures; those seen before stay decoded if there is room.

    left_out: why pictures of the share cannot be learnt, by their ids.
    """

    def __init__(self, viewer: Viewer, share: Sequence[KnownPicture], cache_bytes: float) -> None:
        """Looks at every picture once, so that what cannot be read is known before training."""
        self._viewer, self._room = viewer, cache_bytes
        self._kept: dict[int, View] = {}
        self.left_out: dict[str, str] = {}
        self.pictures: list[KnownPicture] = []
        for picture in share:
            try:
                view = viewer.read(picture)
            except (OSError, ValueError, UnreadableImage) as problem:
                self.left_out[picture.image_id] = str(problem)
                continue
            self._keep(len(self.pictures), view)
            self.pictures.append(picture)

    def batch(self, indices: Sequence[int]) -> tuple[Views, list[KnownPicture]]:
        """Some pictures, and what is true of them."""
        views = [self._view(index) for index in indices]
        return stacked(views), [self.pictures[index] for index in indices]

    def _view(self, index: int) -> View:
        view = self._kept.get(index)
        return self._viewer.read(self.pictures[index]) if view is None else view

    def _keep(self, index: int, view: View) -> None:
        if view.num_bytes <= self._room:
            self._room -= view.num_bytes
            self._kept[index] = view


def with_coordinates(
    pictures: Sequence[KnownPicture],
) -> tuple[list[KnownPicture], dict[str, str]]:
    """Pictures whose place is known, by coordinates or as the centre of their town.

    Returns them, and why others are left out, by id.
    """
    placed: list[KnownPicture] = []
    left_out: dict[str, str] = {}
    for picture in pictures:
        if picture.latitude is not None and picture.longitude is not None:
            placed.append(picture)
        elif town := Gazetteer.load().resolve(picture.city, picture.country):
            placed.append(replace(picture, latitude=town.latitude, longitude=town.longitude))
        else:
            left_out[picture.image_id] = "neither its coordinates nor its town are known"
    return placed, left_out


def coordinates(
    pictures: Sequence[KnownPicture],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitudes and longitudes [N] in degrees, of pictures that have both."""
    pairs = np.array([(one.latitude, one.longitude) for one in pictures], np.float64)
    return pairs[:, 0], pairs[:, 1]
