"""A small map of the world for the terminal: land in dots, eight to a letter, and one mark."""

import json
from collections.abc import Iterable
from functools import cache
from importlib import resources
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from rich.text import Text

NORTH, SOUTH = 84.0, -58.0
MARK = "◉"
_BLANK = 0x2800  # the first of Unicode's 256 patterns of 2 × 4 dots
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])


def world_map(latitude: float, longitude: float, columns: int = 64) -> Text:
    """The land masses in `columns` letters, and a mark at a place given in degrees."""
    rows = _num_rows(columns)
    patterns = _land_patterns(columns)
    column = min(int((longitude + 180) % 360 / 360 * columns), columns - 1)
    share = (NORTH - latitude) / (NORTH - SOUTH)
    row = min(max(int(share * rows), 0), rows - 1)
    drawn = Text()
    for number, line in enumerate(patterns):
        letters = "".join(chr(_BLANK + int(dots)) for dots in line)
        drawn.append(letters[:column] if number == row else letters, style="dim")
        if number == row:
            drawn.append(MARK, style="bold red")
            drawn.append(letters[column + 1 :], style="dim")
        drawn.append("\n")
    return drawn


def _num_rows(columns: int) -> int:
    """As many as make a degree as high as it is wide, a letter being twice as high as wide."""
    return round(columns * (NORTH - SOUTH) / 360 / 2)


@cache
def _land_patterns(columns: int) -> NDArray[np.int64]:
    """[rows, columns] patterns of dots that are land."""
    rows = _num_rows(columns)
    width, height = columns * 2, rows * 4
    picture = Image.new("1", (width, height))
    canvas = ImageDraw.Draw(picture)
    for line in _land():
        canvas.polygon(
            [
                ((lon + 180) / 360 * width, (NORTH - lat) / (NORTH - SOUTH) * height)
                for lon, lat in line
            ],
            fill=1,
        )
    dots = np.asarray(picture).reshape(rows, 4, columns, 2)
    patterns: NDArray[np.int64] = (dots * _DOTS[:, None, :]).sum(axis=(1, 3))
    return patterns


def _land() -> Iterable[list[tuple[float, float]]]:
    """Outlines of land as (longitude, latitude) in degrees."""
    file = resources.files("georay.core") / "world_outline.json"
    for steps in json.loads(file.read_text(encoding="utf-8"))["land"]:
        longitudes, latitudes = accumulate(steps[0::2]), accumulate(steps[1::2])
        yield [(x / 10, y / 10) for x, y in zip(longitudes, latitudes, strict=True)]
