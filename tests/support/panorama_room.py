"""A panorama whose four quarters have four colours, as files that views can be cut from."""

from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {0: (200, 40, 40), 90: (40, 200, 40), 180: (40, 40, 200), 270: (200, 200, 40)}
_XMP = (
    b'<x xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" '
    b'GPano:ProjectionType="equirectangular"/>'
)


def write_panorama(path: Path, width: int = 1_024) -> Path:
    """Ahead of each heading, 90 degrees of its colour."""
    east = (np.arange(width) + 0.5) / width * 360 - 180
    ahead = (np.round(east / 90) * 90 % 360).astype(int)
    row = np.array([COLOURS[int(heading)] for heading in ahead], np.uint8)
    Image.fromarray(np.tile(row, (width // 2, 1, 1))).save(path, "JPEG", quality=95, xmp=_XMP)
    return path


def heading_of(image: Image.Image) -> int:
    """The heading whose colour a picture shows in its middle."""
    middle = np.asarray(image.convert("RGB"), int)[image.height // 2, image.width // 2]
    return min(COLOURS, key=lambda heading: int(np.abs(middle - COLOURS[heading]).sum()))
