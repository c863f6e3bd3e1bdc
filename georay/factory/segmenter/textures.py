"""Colours, light and textures that training crops are given, so that none of them is relied on."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from georay.config.segmenter import Augmentation
from georay.factory.segmenter.camvid import VOID

_OCTAVES = (3, 10, 40, 160)


def disturbed(
    pixels: NDArray[np.uint8], settings: Augmentation, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Other light: gamma, uneven brightness, lost colour and grain, each by chance.

    pixels: [h, w, 3].
    """
    if settings.light == 0:
        return pixels
    light = settings.light
    values = pixels.astype(np.float32) / 255
    if random.random() < 0.5:
        values **= np.exp(random.uniform(-light, light))
    if random.random() < 0.3:
        values *= 1 + random.uniform(0, light) * _noise(pixels.shape[:2], (3,), random)[..., None]
    if random.random() < 0.2:
        grey = values.mean(axis=2, keepdims=True)
        values += random.uniform(0.5, 1) * (grey - values)
    if random.random() < 0.3:
        values += random.normal(0, random.uniform(0, 0.06), values.shape).astype(np.float32)
    return (values.clip(0, 1) * 255).astype(np.uint8)


def textured(
    pixels: NDArray[np.uint8],
    classes: NDArray[np.uint8],
    settings: Augmentation,
    random: np.random.Generator,
) -> NDArray[np.uint8]:
    """A drawn crop, [h, w, 3], some of whose classes, [h, w], get a new colour and a texture.

    What is drawn is smooth and has its country's colours; grass may be brown and ground white.
    """
    if settings.texture == 0:
        return pixels
    values = pixels.astype(np.float32)
    noise = _noise(classes.shape, _OCTAVES, random)
    for index in np.flatnonzero(np.bincount(classes.ravel(), minlength=256)[:VOID]):
        if random.random() >= settings.texture:
            continue
        mask = classes == index
        region = values[mask] * random.uniform(0.7, 1.3, 3)
        if random.random() < 0.25:
            region += random.uniform(0.2, 0.8) * (_tone(random) - region)
        shifted = np.roll(noise, tuple(random.integers(0, 320, 2)), (0, 1))[mask]
        values[mask] = region * (1 + random.uniform(0, 0.3) * shifted[:, None])
    return values.clip(0, 255).astype(np.uint8)


def _tone(random: np.random.Generator) -> NDArray[np.float64]:
    """A colour of earth, stone, straw or snow: grey, rather warm than cold."""
    grey, warmth = random.uniform(60, 255), random.uniform(-0.05, 0.3)
    return grey * np.array([1 + warmth / 2, 1, 1 - warmth])


def _noise(
    shape: tuple[int, ...], octaves: tuple[int, ...], random: np.random.Generator
) -> NDArray[np.float32]:
    """Noise [h, w] with structure of these many cells a side, about -1 to 1."""
    total = np.zeros(shape, np.float32)
    weights = random.dirichlet(np.ones(len(octaves)))
    for cells, weight in zip(octaves, weights, strict=True):
        grid = Image.fromarray(random.normal(0, 1, (cells, cells)).astype(np.float32))
        size = (shape[1], shape[0])
        total += np.float32(weight) * np.asarray(grid.resize(size, Image.Resampling.BICUBIC))
    return total.clip(-1.5, 1.5)
