"""The example photographs of a report, kept as small copies in the run folder."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from georay.config.curate import LimitsRecipe
from georay.core.images import ImageLimits
from georay.core.manifest import write_atomic
from georay.core.paths import AnyPath
from georay.core.picture_files import PictureFile
from georay.core.storage import read_bytes
from georay.curation.report import Example
from georay.errors import UnreadableImage

SHOWN_SIDE = 960

Row = dict[str, Any]
ClassMaps = Callable[[list[Image.Image]], list[NDArray[np.uint8]]]


def extremes(ends: pa.Table) -> tuple[list[Row], list[Row]]:
    """Rows of the most and of the least locatable images, the most telling first in each.

    ends: those of `ChartedScores`.
    """
    rows = ends.to_pylist()
    number = (len(rows) + 1) // 2
    return rows[:number], rows[number:][::-1]


def load_examples(
    rows: list[Row], folder: AnyPath, limits: LimitsRecipe, class_maps: ClassMaps
) -> list[Example]:
    """The pictures of these rows with their class maps; segments only those not in `folder` yet.

    An image that can no longer be read is left out, and so are all for which `class_maps` gives
    nothing. What a full disk left half-written is made again.
    """
    found = {str(row["image_id"]): _stored(row, folder) for row in rows}
    missing = [row for row in rows if found[str(row["image_id"])] is None]
    pictures = [(row, _read(row, limits)) for row in missing]
    readable = [(row, picture) for row, picture in pictures if picture is not None]
    if readable:
        maps = class_maps([picture for _, picture in readable])
        for (row, picture), class_map in zip(readable, maps, strict=False):
            _keep(picture, _picture_path(folder, row), "JPEG")
            _keep(Image.fromarray(class_map), _map_path(folder, row), "PNG")
            found[str(row["image_id"])] = _stored(row, folder)
    return [example for example in found.values() if example is not None]


def _read(row: Row, limits: LimitsRecipe) -> Image.Image | None:
    try:
        source = PictureFile.of_row(str(row["uri"]), row["projection"])
        raw = read_bytes(source.file, limits.max_bytes)
        shown = source.decode(raw, ImageLimits(limits.max_pixels, limits.max_bytes), SHOWN_SIDE)
    except (OSError, ValueError, UnreadableImage):
        return None
    shown.image.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    return shown.image


def _stored(row: Row, folder: AnyPath) -> Example | None:
    """The example kept for a row; None where there is none, or a damaged one."""
    try:
        with (
            Image.open(BytesIO(_picture_path(folder, row).read_bytes())) as picture,
            Image.open(BytesIO(_map_path(folder, row).read_bytes())) as class_map,
        ):
            return Example(row, picture.convert("RGB"), np.asarray(class_map, dtype=np.uint8))
    except (OSError, ValueError, SyntaxError):  # the last is how Pillow names a broken PNG
        return None


def _keep(picture: Image.Image, path: AnyPath, kind: str) -> None:
    buffer = BytesIO()
    picture.save(buffer, kind, quality=85)
    write_atomic(path, buffer.getvalue())


def _picture_path(folder: AnyPath, row: Row) -> AnyPath:
    return folder / f"{row['image_id']}.jpg"


def _map_path(folder: AnyPath, row: Row) -> AnyPath:
    return folder / f"{row['image_id']}.png"
