"""What a report is made from, and the columns of the scores table as arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from PIL import Image

from georay.core.tables import SCORES, conform
from georay.curation.collapse import FileCount
from georay.curation.report.figures import Floats, is_kept
from georay.locatability.labels import LABEL_INDEX, NUM_LABELS

NUM_EXAMPLES = 6
MAX_ERRORS_LISTED = 200


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
    """A run's scores as a report needs them: some fifty bytes of each image, and a few rows whole.

    rows: every row's numbers, country, kind of error and `building`, that class's share.
    files: how many files they came from. failures: the first rows that failed. ends: the most and
    the least locatable rows, the most locatable first. mean_area: [150] over the scored pictures;
    zeros when there are none.
    """

    rows: pa.Table
    files: FileCount
    failures: pa.Table
    ends: pa.Table
    mean_area: Floats


def charted_scores(batches: Iterable[pa.RecordBatch]) -> ChartedScores:
    """Reads a scores table batch by batch. Raises TableMismatch for a table of another kind."""
    total: Floats = np.zeros(NUM_LABELS)
    files = FileCount()
    num_scored = 0
    rows, failures, ends = [_CHARTED.empty_table()], _FAILURES.empty_table(), SCORES.empty_table()
    for batch in batches:
        table = conform(pa.Table.from_batches([batch]), SCORES, "scores")
        files.add(table)
        area_ratio = table["area_ratio"].chunk(0)
        flat = area_ratio.flatten().to_numpy()
        total += flat.reshape(-1, NUM_LABELS).sum(axis=0, dtype=np.float64)
        num_scored += len(area_ratio) - area_ratio.null_count
        rows.append(_charted(table, pc.list_element(area_ratio, LABEL_INDEX["building"])))
        failed = table.filter(pc.is_valid(table["error"])).select(_FAILURES.names)
        failures = pa.concat_tables([failures, failed]).slice(0, MAX_ERRORS_LISTED)
        ends = _ends(pa.concat_tables([ends, table]))
    return ChartedScores(pa.concat_tables(rows), files, failures, ends, total / max(num_scored, 1))


def _charted(table: pa.Table, building: pa.Array) -> pa.Table:
    failed = pc.is_valid(table["error"])
    more = table.append_column("building", building).append_column("failed", failed)
    return conform(more, _CHARTED, "scores")


def _ends(table: pa.Table) -> pa.Table:
    """The scored rows in order, of more than 2 × NUM_EXAMPLES the first and the last ones."""
    scored = table.filter(pc.is_valid(table["locatability"]))
    order = pc.sort_indices(scored, [("locatability", "descending"), ("image_id", "ascending")])
    if len(order) > 2 * NUM_EXAMPLES:
        order = pa.concat_arrays([order[:NUM_EXAMPLES], order[-NUM_EXAMPLES:]])
    return scored.take(order)


_FAILURES = pa.schema(
    [SCORES.field(name) for name in ("uri", "duplicate_uris", "error_kind", "error")]
)
_CHARTED = pa.schema(
    [
        *(SCORES.field(name) for name in ("copies", "width", "latitude", "longitude", "country")),
        *(SCORES.field(name) for name in ("projection", "locatability", "error_kind")),
        SCORES.field("outside_segmenter"),
        pa.field("failed", pa.bool_()),
        pa.field("building", pa.float32()),
    ]
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
