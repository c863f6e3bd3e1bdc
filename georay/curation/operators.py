"""The operators of curation: plain classes that map a table of rows to a table of rows.

Ray never appears here; pipeline.py hands them their blocks.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from PIL import Image

from georay.config.curate import LimitsRecipe, SegmenterRecipe
from georay.core.allocator import keep_freed_memory
from georay.core.images import ImageLimits, Photograph, content_id
from georay.core.manifest import digest, write_table
from georay.core.panoramas import EQUIRECTANGULAR, SKIPPED, VIEW, Handling, Panorama, View
from georay.core.paths import AnyPath
from georay.core.picture_files import PictureFile, decoded_views, view_id
from georay.core.storage import read_bytes
from georay.core.tables import INPUTS, SCORES, conform
from georay.curation.collapse import files_of
from georay.curation.inputs import BAD_ENTRY
from georay.errors import UnreadableImage
from georay.locatability.score import locatability
from georay.locatability.weights import ClassWeights
from georay.models.segmenters.base import Segmenter, unknown_share

READ_SECONDS, SEGMENT_SECONDS = "seconds_read", "seconds_segment"
_BYTES_AT_ONCE = 16 << 20
_LATER = {"copies", "duplicate_uris", "locatability", "weights_id"}
SEGMENTED = pa.schema(
    [field for field in SCORES if field.name not in _LATER]
    + [pa.field(name, pa.float64()) for name in (READ_SECONDS, SEGMENT_SECONDS)]
)


@dataclass(frozen=True)
class _Read:
    """What came of reading one row's file."""

    image_id: str
    source: PictureFile
    raw: bytes | None = None
    error: str | None = None
    error_kind: str | None = None


class ReadImages:
    """Reads each uri; adds bytes, image_id, and error where it, or its list, cannot be read.

    Yields tables of some 16 MB, so that files of tens of megabytes do not lie in memory together.
    """

    def __init__(self, limits: LimitsRecipe) -> None:
        self._limit = limits.max_bytes

    def __call__(self, table: pa.Table) -> Iterator[pa.Table]:
        done, size, read, start = 0, 0, list[_Read](), time.perf_counter()
        for row in table.select(["uri", "projection", "error"]).to_pylist():
            read.append(_of_bad_entry(**row) if row["error"] else self._read(row))
            size += len(read[-1].raw or b"")
            if size >= _BYTES_AT_ONCE:
                yield _with_bytes(table.slice(done, len(read)), read, time.perf_counter() - start)
                done, size, read, start = done + len(read), 0, [], time.perf_counter()
        if read or not table.num_rows:
            yield _with_bytes(table.slice(done), read, time.perf_counter() - start)

    def _read(self, row: dict[str, str]) -> _Read:
        uri, projection = row["uri"], row["projection"]
        source = PictureFile(uri)
        try:
            source = PictureFile.of_row(uri, projection) if projection else PictureFile.find(uri)
            raw = read_bytes(source.file, self._limit)
        except (OSError, ValueError) as problem:
            reason = getattr(problem, "strerror", None) or str(problem)
            image_id = content_id(f"unreadable {uri}".encode())
            return _Read(image_id, source, None, f"cannot be read: {reason}", "unreadable")
        # Empty files are different failures, not copies of one picture.
        return _Read(source.id_of(raw or f"empty {uri}".encode()), source, raw)


def _of_bad_entry(uri: str, projection: str | None, error: str) -> _Read:
    source = PictureFile.of_row(uri, projection)
    return _Read(content_id(f"bad entry {uri}".encode()), source, None, error, BAD_ENTRY)


def _with_bytes(table: pa.Table, read: Sequence[_Read], seconds: float) -> pa.Table:
    projections = [
        one.source.projection or given
        for one, given in zip(read, table.column("projection").to_pylist(), strict=True)
    ]
    table = table.drop_columns(["error"])
    at = table.schema.get_field_index("projection")
    table = table.set_column(at, INPUTS.field("projection"), pa.array(projections, pa.string()))
    columns = {
        "image_id": pa.array([one.image_id for one in read], pa.string()),
        "error": pa.array([one.error for one in read], pa.string()),
        "error_kind": pa.array([one.error_kind for one in read], pa.string()),
        READ_SECONDS: pa.array([seconds / max(len(read), 1)] * len(read), pa.float64()),
        "bytes": pa.array([one.raw for one in read], pa.large_binary()),
    }
    for name, values in columns.items():
        table = table.append_column(name, values)
    return table


@dataclass
class _Scene:
    """A row of the table that is made, and the picture that it is about, if there is one."""

    row: dict[str, object]
    image: Image.Image | None = field(default=None, repr=False)


class SegmentImages:
    """Decodes and segments; adds area_ratio, size and EXIF position, takes the bytes away.

    A panorama becomes a row for each of its views, one behind the other. While a batch is
    segmented, threads decode the next one, so that a GPU need not wait; no more than that, because
    what is decoded lies in memory.
    """

    def __init__(
        self,
        segmenter: SegmenterRecipe,
        limits: LimitsRecipe,
        panoramas: Handling = "views",
        decode_threads: int = 1,
        batch_size: int = 16,
    ) -> None:
        keep_freed_memory()
        self._segmenter = self._loaded(segmenter)
        self._scenes = _SceneMaker(
            ImageLimits(limits.max_pixels, limits.max_bytes), limits.shortest_side, panoramas
        )
        self._ahead = batch_size + decode_threads
        self._threads = ThreadPoolExecutor(decode_threads)
        self._batch_size = batch_size

    def _loaded(self, choice: SegmenterRecipe) -> Segmenter:
        from georay.models.segmenter import load_segmenter

        return load_segmenter(
            choice.model, revision=choice.revision, exact=choice.exact, device=choice.device
        )

    def __call__(self, table: pa.Table) -> pa.Table:
        start = time.perf_counter()
        rows: list[dict[str, object]] = []
        batch: list[_Scene] = []
        for scenes in self._decoded(table):
            batch += scenes
            while len(batch) >= self._batch_size:
                rows += self._segmented(batch[: self._batch_size])
                del batch[: self._batch_size]
        rows += self._segmented(batch)
        seconds = (time.perf_counter() - start) / max(len(rows), 1)
        for row in rows:
            row[SEGMENT_SECONDS] = seconds
        return pa.Table.from_pylist(rows, schema=SEGMENTED)

    def _decoded(self, table: pa.Table) -> Iterator[list[_Scene]]:
        """Each row's scenes, in order; the next batch's rows are decoded meanwhile."""
        rows = table.drop_columns(["bytes"]).to_pylist()
        waiting: deque[Future[list[_Scene]]] = deque()
        for row, raw in zip(rows, table.column("bytes"), strict=True):
            waiting.append(self._threads.submit(self._scenes, row, raw))
            if len(waiting) >= self._ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _segmented(self, scenes: Sequence[_Scene]) -> list[dict[str, object]]:
        images = [scene.image for scene in scenes if scene.image is not None]
        outcomes = iter(self._segment(images))
        return [
            scene.row if scene.image is None else scene.row | next(outcomes) for scene in scenes
        ]

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
        return [self._outcome(row) for row in ratios]

    def _outcome(self, ratios: NDArray[np.float32]) -> dict[str, object]:
        unknown = unknown_share(ratios)
        outside = unknown > self._segmenter.largest_unknown_share
        known = {"unknown_share": unknown, "outside_segmenter": outside}
        return {"area_ratio": ratios, "segmenter": self._segmenter.id, **known}


@dataclass(frozen=True)
class _SceneMaker:
    """From a row and its bytes to what is to be segmented."""

    limits: ImageLimits
    shortest_side: int
    panoramas: Handling

    def __call__(self, row: dict[str, object], raw: pa.Scalar) -> list[_Scene]:
        if not raw.is_valid:
            return [_Scene(row)]
        uri, projection = str(row["uri"]), row["projection"]
        source = PictureFile.of_row(uri, None if projection is None else str(projection))
        try:
            photograph = source.decode(raw.as_py(), self.limits, self.shortest_side)
        except UnreadableImage as problem:
            return [_Scene(row | {"error": str(problem), "error_kind": problem.kind})]
        if photograph.panorama is None:
            return [_described(row, photograph)]
        if self.panoramas == "skip":
            described = _described(row, photograph).row
            reason = "a panorama, and this run skips them (panoramas: skip)"
            skipped = {"projection": EQUIRECTANGULAR, "error": reason, "error_kind": SKIPPED}
            return [_Scene(described | skipped)]
        headings = photograph.panorama.view_headings() if self.panoramas == "views" else []
        if not headings:
            return [_described(row | {"projection": EQUIRECTANGULAR}, photograph)]
        views = zip(headings, decoded_views(photograph, headings), strict=True)
        return [
            _described(_row_of_view(row, heading, photograph.panorama), view)
            for heading, view in views
        ]


def _row_of_view(row: dict[str, object], heading: float, panorama: Panorama) -> dict[str, object]:
    """The panorama's row as that of its view. A list's heading is that of the panorama's middle."""
    given = row["heading"]
    turned = heading
    if given is not None:
        turned = (float(str(given)) + heading - (panorama.heading or 0)) % 360
    return row | {
        "image_id": view_id(str(row["image_id"]), heading),
        "uri": View(str(row["uri"]), heading).uri,
        "heading": turned,
        "projection": VIEW,
    }


def _described(row: dict[str, object], photograph: Photograph) -> _Scene:
    row = row | {"width": photograph.width, "height": photograph.height}
    if row["latitude"] is None or row["longitude"] is None:
        row |= {"latitude": photograph.latitude, "longitude": photograph.longitude}
    return _Scene(row, photograph.image)


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

    def __init__(self, folder: AnyPath) -> None:
        self._folder = folder

    def __call__(self, table: pa.Table) -> pa.Table:
        copies = pa.array([1] * table.num_rows, pa.int64())
        rows = conform(table.append_column("copies", copies), SCORES, "scores")
        name = f"{digest(*rows.column('uri').to_pylist())}.parquet"
        write_table(self._folder / name, rows)
        files = set(files_of(rows["uri"], rows["projection"]).to_pylist())
        written = {"num_rows": len(files), "num_errors": rows["locatability"].null_count}
        for name in (READ_SECONDS, SEGMENT_SECONDS):
            written[name] = pc.sum(table[name]).as_py()
        return pa.Table.from_pylist([written])
