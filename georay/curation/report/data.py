"""What a report is made from, and the columns of the scores table as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from PIL import Image

from georay.core.tables import SCORES, conform
from georay.curation.report.figures import Floats, is_kept
from georay.locatability.labels import LABEL_INDEX, NUM_LABELS


@dataclass(frozen=True)
class Example:
    """One photograph in the report.

    row: its row of the scores table. image: decoded, oriented RGB without metadata.
    class_map: [height, width] ADE20K class ids, at any resolution.
    """

    row: dict[str, object]
    image: Image.Image
    class_map: NDArray[np.uint8]


@dataclass(frozen=True)
class ReportData:
    """A finished run as the report sees it.

    scores: every row of the run (schema SCORES). weights: [150] over ADE20K labels.
    most, least: the pictures to show, the most telling first in each.
    """

    title: str
    manifest: dict[str, object]
    scores: pa.Table
    weights: NDArray[np.float64]
    threshold: float
    most: Sequence[Example]
    least: Sequence[Example]

    @property
    def threshold_text(self) -> str:
        """Two decimals as on the axes, more only where two would lie."""
        short = f"{self.threshold:.2f}"
        return short if abs(float(short) - self.threshold) < 1e-9 else f"{self.threshold:g}"


@dataclass(frozen=True)
class ScoredPictures:
    """The scored rows as arrays of one length; coordinates are NaN where unknown."""

    locatability: Floats
    building_share: Floats
    latitude: Floats
    longitude: Floats
    kept: NDArray[np.bool_]
    mean_area: Floats  # [150], over the scored pictures; zeros when there are none


def scored_pictures(scores: pa.Table, threshold: float) -> ScoredPictures:
    """Reads the columns that the charts need. Raises TableMismatch for a table of another kind."""
    table = conform(scores, SCORES, "scores")
    area_ratio = table["area_ratio"]
    # The ratios are most of the table: read the one share that is drawn, copy nothing else of them.
    narrow = table.select(["locatability", "latitude", "longitude"]).append_column(
        "building", pc.list_element(area_ratio, LABEL_INDEX["building"])
    )
    narrow = narrow.filter(pc.is_finite(narrow["locatability"]))
    locatability = _floats(narrow["locatability"])
    return ScoredPictures(
        locatability=locatability,
        building_share=_floats(narrow["building"]),
        latitude=_floats(narrow["latitude"]),
        longitude=_floats(narrow["longitude"]),
        kept=is_kept(locatability, threshold),
        mean_area=_mean_area(area_ratio),
    )


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)


def _mean_area(column: pa.ChunkedArray) -> Floats:
    total: Floats = np.zeros(NUM_LABELS)
    for chunk in column.chunks:
        flat = chunk.flatten().to_numpy()
        total += flat.reshape(-1, NUM_LABELS).sum(axis=0, dtype=np.float64)
    mean: Floats = total / max(len(column) - column.null_count, 1)
    return mean
