"""Turns the bytes of an answer into a picture: checked, cut from a panorama, blurred."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from georay.acquisition.download.blur import Blur
from georay.acquisition.download.web import NO_IMAGERY
from georay.acquisition.providers.base import FoundPicture, NoPicture
from georay.config.collect import RequestsRecipe
from georay.core.images import ImageLimits, decode, image_format
from georay.core.panoramas import Panorama, cut_views
from georay.errors import UnreadableImage

SUFFIXES = {
    "JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif", "BMP": ".bmp", "TIFF": ".tif",
}  # fmt: skip
_JPEG_QUALITY = 92
_ALIKE = 3
"""Levels of grey by which JPEG makes equal pixels differ."""
_EMPTY_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture. suffix: of the file's name. width, height: in pixels."""

    content: bytes
    suffix: str
    width: int
    height: int


def picture_of(
    raw: bytes, found: FoundPicture, heading: float, recipe: RequestsRecipe, blur: Blur
) -> Picture:
    """The picture in an answer, as it came unless it must be cut or blurred.

    Raises NoPicture if it cannot be decoded, breaks a limit, or says that there is no imagery.
    """
    try:
        image = decode(raw, ImageLimits(recipe.max_pixels, recipe.max_bytes)).image
    except UnreadableImage as problem:
        raise NoPicture(problem.kind, str(problem)) from problem
    if says_no_imagery(image):
        raise NoPicture(NO_IMAGERY, "the picture is the grey one that says so")
    changed = image
    if found.shape == "panorama":
        panorama = Panorama(heading=found.heading)
        (changed,) = cut_views(image, panorama, image.width, [heading])
    changed = blur(changed)
    if changed is not image:
        return Picture(_jpeg(changed), ".jpg", *changed.size)
    suffix = SUFFIXES[image_format(raw) or "JPEG"]
    return Picture(raw, suffix, *image.size)


def says_no_imagery(image: Image.Image) -> bool:
    """Whether nearly all of a picture is one grey: a plate with a few words instead of a view."""
    small = np.asarray(image.resize((64, 64), Image.Resampling.NEAREST), dtype=np.int16)
    pixels = small.reshape(-1, 3)
    middle = np.median(pixels, axis=0)
    is_grey = float(np.ptp(middle)) <= 4 * _ALIKE
    alike = (np.abs(pixels - middle) <= _ALIKE).all(axis=1).mean()
    return is_grey and float(alike) >= _EMPTY_SHARE


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()
