"""Training crops: a random window of a picture and its mask, scaled, mirrored and recoloured."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from georay.config.segmenter import Augmentation
from georay.factory.segmenter.camvid import VOID, Example
from georay.factory.segmenter.textures import disturbed, textured


def training_crop(
    example: Example, settings: Augmentation, random: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A random crop: pixels uint8 [crop, crop, 3] and classes uint8 [crop, crop].

    Scaled, mirrored and recoloured; where the scaled photograph is smaller than the crop, the
    rest is black and VOID.
    """
    box, size, corner = _window(example, settings, random)
    pixels = Image.fromarray(example.pixels).resize(size, Image.Resampling.BILINEAR, box)
    classes = Image.fromarray(example.classes).resize(size, Image.Resampling.NEAREST, box)
    changed = textured(np.asarray(pixels), np.asarray(classes), settings, random)
    pixels = _recolour(Image.fromarray(changed), settings.colour, random)
    side = settings.crop
    canvas = np.zeros((side, side, 3), np.uint8)
    labels = np.full((side, side), VOID, np.uint8)
    rows = slice(corner[1], corner[1] + size[1])
    columns = slice(corner[0], corner[0] + size[0])
    canvas[rows, columns] = disturbed(np.asarray(pixels), settings, random)
    labels[rows, columns] = np.asarray(classes)
    if random.random() < 0.5:
        canvas, labels = canvas[:, ::-1], labels[:, ::-1]
    return canvas, labels


def _window(
    example: Example, settings: Augmentation, random: np.random.Generator
) -> tuple[tuple[float, float, float, float], tuple[int, int], tuple[int, int]]:
    """Box in the photograph (x0, y0, x1, y1), its size after scaling, its corner on the canvas."""
    scale = np.exp(random.uniform(np.log(settings.min_scale), np.log(settings.max_scale)))
    stretch = np.exp(random.uniform(-0.1, 0.1))
    height, width = example.classes.shape
    centre = _centre(example.classes, settings.rare_class_share, random)
    box, size, corner = [], [], []
    for full, middle, factor in zip((width, height), centre, (scale * stretch, scale), strict=True):
        extent = min(settings.crop / factor, full)
        start = float(np.clip(middle - extent / 2, 0, full - extent))
        box.append((start, start + extent))
        size.append(min(settings.crop, max(1, round(extent * factor))))
        corner.append(int(random.integers(0, settings.crop - size[-1] + 1)))
    (left, right), (top, bottom) = box
    return (left, top, right, bottom), (size[0], size[1]), (corner[0], corner[1])


def _centre(
    classes: NDArray[np.uint8], rare_class_share: float, random: np.random.Generator
) -> tuple[float, float]:
    """Centre (x, y) of a crop: anywhere, or on a class drawn uniformly among those present."""
    height, width = classes.shape
    if random.random() < rare_class_share:
        present = np.flatnonzero(np.bincount(classes.ravel(), minlength=256)[:VOID])
        spots = np.flatnonzero(classes.ravel() == random.choice(present))
        row, column = divmod(int(random.choice(spots)), width)
        return float(column), float(row)
    return random.uniform(0, width), random.uniform(0, height)


def _recolour(image: Image.Image, amount: float, random: np.random.Generator) -> Image.Image:
    for change in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = change(image).enhance(random.uniform(1 - amount, 1 + amount))
    if random.random() < 0.3:
        balance = random.uniform(1 - amount / 3, 1 + amount / 3, 3)
        tinted = np.asarray(image, np.float32) * balance.astype(np.float32)
        image = Image.fromarray(tinted.clip(0, 255).astype(np.uint8))
    if random.random() < 0.15:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.2)))
    return image
