"""The stages of curation: plain classes that map a table of rows to a table of rows.

Ray never appears here; pipeline.py hands them their blocks.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from numpy.typing import NDArray
from PIL import Image

from georay.config.curate import LimitsRecipe, SegmenterRecipe
from georay.core.allocator import keep_freed_memory
from georay.core.images import ImageLimits, Photograph, content_id, decode
from georay.core.manifest import digest
from georay.core.storage import is_uri, read_bytes
from georay.core.tables import SCORES, conform
from georay.curation.inputs import BAD_ENTRY
from georay.errors import UnreadableImage
from georay.locatability.score import locatability
from georay.locatability.weights import ClassWeights

READ_SECONDS, SEGMENT_SECONDS = "seconds_read", "seconds_segment"
_REMOTE_TRIES = 3
_LATER = {"copies", "duplicate_uris", "locatability", "weights_id"}
SEGMENTED = pa.schema(
    [field for field in SCORES if field.name not in _LATER]
    + [pa.field(name, pa.float64()) for name in (READ_SECONDS, SEGMENT_SECONDS)]
)


class AreaRatios(Protocol):
    """What scoring needs of a segmenter."""

    id: str

    def area_ratios(self, images: Sequence[Image.Image]) -> NDArray[np.float32]: ...


class ReadImages:
    """Reads each uri; adds bytes, image_id, and error where it, or its list, cannot be read."""

    def __init__(self, limits: LimitsRecipe) -> None:
        self._limit = limits.max_bytes

    def __call__(self, table: pa.Table) -> pa.Table:
        start = time.perf_counter()
        rows = zip(table.column("uri").to_pylist(), table.column("error").to_pylist(), strict=True)
        read = [_of_bad_entry(uri, error) if error else self._read(uri) for uri, error in rows]
        table = table.drop_columns(["error"])
        seconds = (time.perf_counter() - start) / max(len(read), 1)
        columns = {
            "image_id": [one.image_id for one in read],
            "error": [one.error for one in read],
            "error_kind": [one.error_kind for one in read],
            READ_SECONDS: [seconds] * len(read),
        }
        for name, values in columns.items():
            kind = pa.float64() if name == READ_SECONDS else pa.string()
            table = table.append_column(name, pa.array(values, kind))
        return table.append_column("bytes", pa.array([one.raw for one in read], pa.large_binary()))

    def _read(self, uri: str) -> "_Read":
        try:
            raw = _read_with_retries(uri, self._limit)
        except (OSError, ValueError) as problem:
            reason = getattr(problem, "strerror", None) or str(problem)
            image_id = content_id(f"unreadable {uri}".encode())
            return _Read(image_id, None, f"cannot be read: {reason}", "unreadable")
        # Empty files are different failures, not copies of one picture.
        return _Read(content_id(raw or f"empty {uri}".encode()), raw, None, None)


@dataclass(frozen=True)
class _Read:
    """The bytes of a file, or why there are none."""

    image_id: str
    raw: bytes | None
    error: str | None
    error_kind: str | None


def _of_bad_entry(uri: str, error: str) -> _Read:
    return _Read(content_id(f"bad entry {uri}".encode()), None, error, BAD_ENTRY)


def _read_with_retries(uri: str, limit: int) -> bytes:
    """Remote reads fail for a moment; a local file or an absent one does not come back."""
    tries = _REMOTE_TRIES if is_uri(uri) else 1
    for attempt in range(1, tries + 1):
        try:
            return read_bytes(uri, limit)
        except (FileNotFoundError, PermissionError, IsADirectoryError):
            raise
        except OSError:
            if attempt == tries:
                raise
            time.sleep(0.5 * 2**attempt)
    raise AssertionError("unreachable: the loop returns or raises")


class SegmentImages:
    """Decodes and segments; adds area_ratio, size and EXIF position, takes the bytes away."""

    def __init__(
        self,
        segmenter: SegmenterRecipe,
        limits: LimitsRecipe,
        decode_threads: int = 1,
    ) -> None:
        from georay.models.segmenter import load_segmenter

        keep_freed_memory()
        self._segmenter: AreaRatios = load_segmenter(
            segmenter.model,
            revision=segmenter.revision,
            exact=segmenter.exact,
            device=segmenter.device,
        )
        self._limits = ImageLimits(limits.max_pixels, limits.max_bytes)
        self._shortest_side = limits.shortest_side
        self._threads = ThreadPoolExecutor(decode_threads)

    def __call__(self, table: pa.Table) -> pa.Table:
        start = time.perf_counter()
        rows = table.drop_columns(["bytes"]).to_pylist()
        raws = (raw.as_py() for raw in table.column("bytes"))
        photographs = list(self._threads.map(self._decode, raws))
        for row, photograph in zip(rows, photographs, strict=True):
            _describe(row, photograph)
        readable = [i for i, row in enumerate(rows) if row["error"] is None]
        images = [p.image for p in photographs if isinstance(p, Photograph)]
        for i, outcome in zip(readable, self._segment(images), strict=True):
            rows[i] |= outcome
        seconds = (time.perf_counter() - start) / max(len(rows), 1)
        for row in rows:
            row[SEGMENT_SECONDS] = seconds
        return pa.Table.from_pylist(rows, schema=SEGMENTED)

    def _decode(self, raw: bytes | None) -> Photograph | UnreadableImage | None:
        if raw is None:
            return None
        try:
            return decode(raw, self._limits, self._shortest_side)
        except UnreadableImage as problem:
            return problem

    def _segment(self, images: list[Image.Image]) -> list[dict[str, object]]:
        """Area ratios per image; a batch that fails goes one by one, so each costs only itself."""
        if not images:
            return []
        try:
            ratios = self._segmenter.area_ratios(images)
        except (RuntimeError, ValueError) as problem:
            if len(images) > 1:
                return [outcome for image in images for outcome in self._segment([image])]
            return [{"error": f"cannot be segmented: {problem}", "error_kind": "segmentation"}]
        return [{"area_ratio": row, "segmenter": self._segmenter.id} for row in ratios]


def _describe(row: dict[str, object], photograph: Photograph | UnreadableImage | None) -> None:
    if isinstance(photograph, UnreadableImage):
        row |= {"error": str(photograph), "error_kind": photograph.kind}
    elif photograph is not None:
        row |= {"width": photograph.width, "height": photograph.height}
        if row["latitude"] is None or row["longitude"] is None:
            row |= {"latitude": photograph.latitude, "longitude": photograph.longitude}


class ScoreLocatability:
    """Adds locatability (equation 1) to every row that has area ratios."""

    def __init__(self, weights: ClassWeights) -> None:
        self._weights = weights

    def __call__(self, table: pa.Table) -> pa.Table:
        ratios = table.column("area_ratio").to_pylist()
        scored = [i for i, ratio in enumerate(ratios) if ratio is not None]
        values: list[float | None] = [None] * len(ratios)
        if scored:
            matrix = np.array([ratios[i] for i in scored], dtype=np.float32)
            for i, value in zip(scored, locatability(matrix, self._weights.values), strict=True):
                values[i] = float(value)
        ids = [self._weights.id if value is not None else None for value in values]
        table = table.append_column("locatability", pa.array(values, pa.float64()))
        return table.append_column("weights_id", pa.array(ids, pa.string()))


class WriteScores:
    """Writes each block as one file of its own and returns one row that says what was written.

    The file's name comes from the block's uris, so a block done twice overwrites itself.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, table: pa.Table) -> pa.Table:
        copies = pa.array([1] * table.num_rows, pa.int64())
        rows = conform(table.append_column("copies", copies), SCORES, "scores")
        target = self._folder / f"{digest(*rows.column('uri').to_pylist())}.parquet"
        partial = target.with_suffix(f".{time.time_ns()}.partial")
        pa.parquet.write_table(rows, partial, compression="zstd")
        partial.replace(target)
        written = {"num_rows": rows.num_rows, "num_errors": rows["locatability"].null_count}
        for name in (READ_SECONDS, SEGMENT_SECONDS):
            written[name] = pc.sum(table[name]).as_py()
        return pa.Table.from_pylist([written])
