"""Pictures inside a page: photographs and class overlays as data URIs."""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from georay.locatability.colours import class_palette


def photograph_uri(image: Image.Image, max_side: int) -> str:
    """A JPEG data URI whose longer side has at most `max_side` pixels."""
    small = image.convert("RGB")
    small.info.clear()  # a comment would travel into the file
    small.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    return _data_uri(small, "JPEG", quality=82, optimize=True, progressive=True)


def overlay_uri(class_map: NDArray[np.uint8], image_size: tuple[int, int], max_side: int) -> str:
    """The class map in the classes' colours as a PNG data URI, in the photograph's proportions.

    class_map: [height, width] class ids. image_size: (width, height) of the photograph.
    """
    scale = max_side / max(image_size)
    size = (max(round(image_size[0] * scale), 1), max(round(image_size[1] * scale), 1))
    overlay = Image.fromarray(np.ascontiguousarray(class_map, dtype=np.uint8))
    overlay = overlay.resize(size, Image.Resampling.NEAREST).convert("P")
    overlay.putpalette(class_palette())
    return _data_uri(overlay, "PNG", optimize=True)


def _data_uri(image: Image.Image, kind: str, **options: int | bool) -> str:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
