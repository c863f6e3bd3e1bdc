"""The operator that measures locatability before a model is asked: cheap first, dear second."""

from collections.abc import Mapping

import pyarrow as pa
from PIL import Image

from georay.config.locate import MeasuringRecipe
from georay.core.images import ImageLimits
from georay.core.picture_files import PictureFile
from georay.core.storage import read_bytes
from georay.errors import UnreadableImage
from georay.locatability.score import locatability
from georay.locatability.weights import ClassWeights
from georay.models.segmenter import Segmenter, load_segmenter, usable_device

SKIPPED = "skipped"
_LIMITS = ImageLimits()
_SHORTEST_SIDE = 1024  # as in curation: of a larger JPEG this much is decoded


class MeasureLocatability:
    """Adds `locatability` and `is_locatable`; a picture that is not asked about gets its status.

    A picture that cannot be read or measured is left to the operator behind, which says why.
    """

    reads = ("uri", "projection", "bytes", "error")
    adds = ("locatability", "is_locatable", "status")

    def __init__(self, recipe: MeasuringRecipe, weights: ClassWeights) -> None:
        choice = recipe.segmenter
        self._segmenter: Segmenter = load_segmenter(
            choice.model,
            revision=choice.revision,
            exact=choice.exact,
            device=usable_device(choice.device),
        )
        self._weights = weights.values
        self._recipe = recipe

    def __call__(self, shard: pa.Table) -> pa.Table:
        rows = [row if row["error"] else row | self._measured(row) for row in shard.to_pylist()]
        return pa.Table.from_pylist(rows, schema=shard.schema)

    def _measured(self, row: Mapping[str, object]) -> dict[str, object]:
        image = _image(row)
        if image is None:
            return {}
        try:
            ratios = self._segmenter.area_ratios([image])
        except (RuntimeError, ValueError):
            return {}
        found = float(locatability(ratios, self._weights)[0])
        least = self._recipe.least
        if not least:
            return {"locatability": found}
        is_low = found < least
        status = SKIPPED if is_low and self._recipe.below == "skip" else None
        return {"locatability": found, "is_locatable": not is_low, "status": status}


def _image(row: Mapping[str, object]) -> Image.Image | None:
    projection = row["projection"]
    try:
        uri = str(row["uri"])
        source = PictureFile.of_row(uri, None if projection is None else str(projection))
        raw = row["bytes"]
        if not isinstance(raw, bytes):
            raw = read_bytes(source.file, _LIMITS.max_bytes)
        return source.decode(raw, _LIMITS, _SHORTEST_SIDE).image
    except (OSError, ValueError, UnreadableImage):
        return None
