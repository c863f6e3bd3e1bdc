"""What a report is made from, and the columns of the scores table as arrays."""

from collections.abc import Iterable, Sequence
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
class ChartedScores:
    """Every row of a run without its 150 area ratios, which are most of a scores table.

    rows: the other columns that a report reads, and `building`, the share of that class.
    mean_area: [150] over the scored pictures; zeros when there are none.
    """

    rows: pa.Table
    mean_area: Floats


def charted_scores(batches: Iterable[pa.RecordBatch]) -> ChartedScores:
    """Reads a scores table batch by batch. Raises TableMismatch for a table of another kind."""
    total: Floats = np.zeros(NUM_LABELS)
    num_scored = 0
    tables = [_CHARTED.empty_table()]
    for batch in batches:
        table = conform(pa.Table.from_batches([batch]), SCORES, "scores")
        area_ratio = table["area_ratio"].chunk(0)
        flat = area_ratio.flatten().to_numpy()
        total += flat.reshape(-1, NUM_LABELS).sum(axis=0, dtype=np.float64)
        num_scored += len(area_ratio) - area_ratio.null_count
        building = pc.list_element(area_ratio, LABEL_INDEX["building"])
        tables.append(conform(table.append_column("building", building), _CHARTED, "scores"))
    return ChartedScores(pa.concat_tables(tables), total / max(num_scored, 1))


_CHARTED = pa.schema(
    [field for field in SCORES if field.name != "area_ratio"] + [pa.field("building", pa.float32())]
)


@dataclass(frozen=True)
class ReportData:
    """A finished run as the report sees it.

    scores: every row of the run. weights: [150] over ADE20K labels.
    most, least: the pictures to show, the most telling first in each.
    """

    title: str
    manifest: dict[str, object]
    scores: ChartedScores
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


def scored_pictures(scores: pa.Table, threshold: float) -> ScoredPictures:
    """The scored ones of the rows of `ChartedScores`, column by column."""
    scored = scores.filter(pc.is_finite(scores["locatability"]))
    locatability = _floats(scored["locatability"])
    return ScoredPictures(
        locatability=locatability,
        building_share=_floats(scored["building"]),
        latitude=_floats(scored["latitude"]),
        longitude=_floats(scored["longitude"]),
        kept=is_kept(locatability, threshold),
    )


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
