"""The operators of answering: plain classes that map a table of pictures to a table of rows.

A table is a shard: pictures that are answered in the same batches whenever they are asked, and
saved together. Ray never appears here; runner.py hands the operators their shards.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from georay.config.predict import AskedRecipe, PredictWorkersRecipe
from georay.core.images import ImageLimits
from georay.core.manifest import digest, write_table
from georay.core.paths import AnyPath
from georay.core.picture_files import PictureFile
from georay.core.storage import read_bytes
from georay.core.tables import conform
from georay.errors import UnreadableImage
from georay.evaluation.model_identity import LocatingRecipe, ModelIdentity, load_locator
from georay.models.locations import Location

_LIMITS = ImageLimits()
_MOST_CARRIED = 32 << 20
"""Of encoded pictures from one operator to the next, for a shard; what is more is read again."""

BYTES = pa.field("bytes", pa.large_binary())
NUM_ROWS, NUM_FAILED = "num_rows", "num_failed"

Row = Mapping[str, object]
Told = Callable[[int, int], None]
"""Hears how many pictures were answered since the last call, and how many of them failed."""


@dataclass(frozen=True)
class Operator:
    """A plain class that maps a table to a table, and what each of it is made with.

    workers: so many processes that keep what they made, such as a loaded model; None for one that
    is light and made anew wherever a shard is.
    """

    kind: Callable[..., Callable[[pa.Table], pa.Table]]
    arguments: tuple[Any, ...] = ()
    workers: PredictWorkersRecipe | None = None


def cut(rows: pa.Table, size: int) -> Iterator[pa.Table]:
    """The rows as shards of `size`, the last one maybe smaller."""
    for start in range(0, rows.num_rows, size):
        yield rows.slice(start, size).combine_chunks()


class ReadPictures:
    """Reads each row's file; adds its `bytes`, its `image_id` where none is known, or an `error`.

    A row that has an `error` already is left as it is.
    """

    reads = ("uri", "projection", "image_id", "error")
    adds = ("bytes",)

    def __call__(self, shard: pa.Table) -> pa.Table:
        rows, carried = [], 0
        for row in shard.to_pylist():
            read = row if row["error"] else row | _read(row)
            size = len(read.get("bytes") or b"")
            carried += size
            rows.append(read if carried <= _MOST_CARRIED else read | {"bytes": None})
        return pa.Table.from_pylist(rows, schema=pa.schema([*shard.schema, BYTES]))


class AnswerPictures:
    """Asks a model about each picture that has no `error` and no `status`; holds the model.

    Gives rows of `schema`: what came in, and the answer's columns of the same names.
    """

    reads = ("uri", "projection", "bytes", "error", "status")
    adds = (
        "status", "country", "city", "latitude", "longitude", "sureness", "reasons", "candidates",
        "raw",
    )  # fmt: skip

    def __init__(
        self,
        recipe: AskedRecipe,
        subject: ModelIdentity,
        schema: pa.Schema,
        tell: Told | None = None,
    ) -> None:
        self._locator: LocatingRecipe = load_locator(recipe)
        self._subject = subject
        self._how = recipe.answering
        self._schema = schema
        self._tell = tell

    def __call__(self, shard: pa.Table) -> pa.Table:
        rows: list[Row] = []
        pictures = shard.to_pylist()
        for start in range(0, len(pictures), self._how.batch_size):
            batch = pictures[start : start + self._how.batch_size]
            found = self._answered(batch)
            rows += found
            if self._tell is not None:
                self._tell(len(found), sum(row["status"] == "failed" for row in found))
        return pa.Table.from_pylist(rows, schema=self._schema)

    def _answered(self, batch: Sequence[Row]) -> list[Row]:
        """The rows with their answers; one that cannot be read disturbs no other."""
        seen = [None if row["status"] else _image_or_error(row) for row in batch]
        asked = [one for one in seen if isinstance(one, Image.Image)]
        located = iter(self._locator.locate(asked, self._how.top_k) if asked else ())
        rows: list[Row] = []
        for row, one in zip(batch, seen, strict=True):
            if one is None:
                rows.append(row)
            elif isinstance(one, str):
                rows.append(self._row(row, Location("failed", error=one)))
            else:
                rows.append(self._row(row, next(located)))
        return rows

    def _row(self, row: Row, location: Location) -> Row:
        """`latency_ms`: the ranking of this picture, and the writing of the batch it was in."""
        return {
            **row,
            **location.to_json(),
            "model": self._subject.name,
            "adapter": self._subject.adapter,
            "latency_ms": location.timings.rank_ms + location.timings.answer_ms,
            **(asdict(location.usage) if location.usage else {}),
        }


class WriteAnswers:
    """Writes each shard as a file of its own; gives one row that says what was written.

    The file's name comes from its rows' keys, so that a shard done twice overwrites itself.
    """

    reads = ("status",)
    adds = (NUM_ROWS, NUM_FAILED)

    def __init__(self, folder: AnyPath, schema: pa.Schema, key: str) -> None:
        self._folder = folder
        self._schema = schema
        self._key = key

    def __call__(self, shard: pa.Table) -> pa.Table:
        rows = conform(shard, self._schema, "answers")
        target = self._folder / f"part-{digest(*rows.column(self._key).to_pylist())}.parquet"
        write_table(target, rows)
        failed = pc.sum(pc.equal(rows.column("status"), "failed"), min_count=0).as_py()
        return pa.Table.from_pylist([{NUM_ROWS: rows.num_rows, NUM_FAILED: failed}])


def _read(row: Row) -> dict[str, object]:
    try:
        source = _source(row)
        raw = read_bytes(source.file, _LIMITS.max_bytes)
    except (OSError, ValueError) as problem:
        return {"error": str(problem)}
    return {"bytes": raw, "image_id": row["image_id"] or source.id_of(raw)}


def _image_or_error(row: Row) -> Image.Image | str:
    if row["error"]:
        return str(row["error"])
    try:
        source, raw = _source(row), row["bytes"]
        if not isinstance(raw, bytes):
            raw = read_bytes(source.file, _LIMITS.max_bytes)
        return source.decode(raw, _LIMITS).image
    except (OSError, ValueError, UnreadableImage) as problem:
        return str(problem)


def _source(row: Row) -> PictureFile:
    projection = row["projection"]
    return PictureFile.of_row(str(row["uri"]), None if projection is None else str(projection))
