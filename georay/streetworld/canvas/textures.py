"""Small tiles of texture, made once per process from fixed seeds and repeated without a seam."""

from functools import cache

import numpy as np
import skia
from numpy.typing import NDArray

_SIDE = 256
_SMOOTH = skia.SamplingOptions(skia.FilterMode.kLinear, skia.MipmapMode.kLinear)


def fractal_noise(seed: int, roughness: float, side: int = _SIDE) -> NDArray[np.float64]:
    """Periodic noise [side, side] with mean 0 and deviation 1; higher roughness is smoother."""
    rng = np.random.Generator(np.random.Philox(seed))
    spectrum = np.fft.rfft2(rng.standard_normal((side, side)))
    rows = np.fft.fftfreq(side)[:, None] * side
    columns = np.fft.rfftfreq(side)[None, :] * side
    radius = np.sqrt(rows**2 + columns**2)
    radius[0, 0] = 1.0
    spectrum *= radius**-roughness
    spectrum[0, 0] = 0.0
    noise: NDArray[np.float64] = np.fft.irfft2(spectrum, s=(side, side))
    noise /= noise.std()
    return noise


@cache
def speckle() -> skia.Image:
    """Light and dark grains with soft patches: asphalt, render and earth."""
    noise = 0.62 * fractal_noise(11, 0.15) + 0.55 * fractal_noise(12, 1.2)
    return _light_and_dark(noise * 22)


@cache
def grain() -> skia.Image:
    """The fine noise of a sensor."""
    return _light_and_dark(fractal_noise(16, 0.05) * 13)


@cache
def patches() -> skia.Image:
    """Soft light and dark patches: stains, worn ground, uneven grass."""
    return _light_and_dark(fractal_noise(13, 1.35) * 15)


@cache
def clouds(cover: float) -> skia.Image:
    """White with the alpha of clouds that cover about this share of the sky."""
    noise = fractal_noise(14, 1.75)
    threshold = np.quantile(noise, 1.0 - cover)
    alpha = np.clip((noise - threshold) / 1.1, 0, 1) ** 0.7
    shade = 255 - 46 * np.clip((noise - threshold - 0.5) / 2.2, 0, 1)
    pixels = np.empty((_SIDE, _SIDE, 4), np.uint8)
    pixels[..., :3] = shade[..., None]
    pixels[..., 3] = np.round(alpha * 235)
    return _image(pixels)


@cache
def bricks() -> skia.Image:
    """Mortar joints of running bond as light lines, 8 courses high and 4 bricks wide."""
    alpha = np.zeros((128, 128), np.float64)
    for course in range(8):
        top = course * 16
        alpha[top : top + 2] = 60
        shift = 16 * (course % 2)
        for brick in range(4):
            left = (brick * 32 + shift) % 128
            alpha[top : top + 16, left : left + 2] = 52
    rng = np.random.Generator(np.random.Philox(15))
    tone = rng.standard_normal((8, 8)).repeat(16, 0).repeat(16, 1) * 14
    light = alpha > 0
    pixels = np.where(light[..., None], 225, np.where(tone[..., None] > 0, 255, 0))
    opacity = np.where(light, alpha, np.abs(tone))
    return _image(np.dstack([np.broadcast_to(pixels, (128, 128, 3)), opacity]).astype(np.uint8))


def shader(tile: skia.Image, metres: float, x: float = 0.0, y: float = 0.0) -> skia.Shader:
    """The tile repeated every `metres` in the units of the plane it is drawn on."""
    scale = metres / tile.width()
    matrix = skia.Matrix.MakeAll(scale, 0, x, 0, scale, y, 0, 0, 1)
    repeat = skia.TileMode.kRepeat
    return tile.makeShader(repeat, repeat, _SMOOTH, matrix)


def _light_and_dark(level: NDArray[np.float64]) -> skia.Image:
    pixels = np.zeros((*level.shape, 4), np.uint8)
    pixels[..., :3] = np.where(level > 0, 255, 0)[..., None]
    pixels[..., 3] = np.clip(np.abs(level), 0, 255)
    return _image(pixels)


def _image(pixels: NDArray[np.uint8]) -> skia.Image:
    image = skia.Image.fromarray(
        np.ascontiguousarray(pixels),
        colorType=skia.kRGBA_8888_ColorType,
        alphaType=skia.kUnpremul_AlphaType,
    )
    return image.withDefaultMipmaps()
