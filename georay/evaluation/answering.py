"""Shards of pictures to rows of predictions: what a process with a model does, wherever it runs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import pyarrow as pa
from PIL import Image

from georay.config.predict import AnsweringRecipe
from georay.core.images import ImageLimits
from georay.core.storage import read_bytes
from georay.core.tables import PREDICTIONS, rows_to_table
from georay.errors import UnreadableImage
from georay.evaluation.datasets import KnownPicture
from georay.evaluation.subject import LocatesPictures, Subject
from georay.models.locations import Location

_LIMITS = ImageLimits()

Row = dict[str, object]


@dataclass(frozen=True)
class Shard:
    """Pictures that are answered and saved together."""

    number: int
    pictures: tuple[KnownPicture, ...]


def cut(pictures: Sequence[KnownPicture], size: int) -> Iterator[Shard]:
    """The pictures as shards of `size`, the last one maybe smaller."""
    for number, start in enumerate(range(0, len(pictures), size)):
        yield Shard(number, tuple(pictures[start : start + size]))


def _tell_nobody(num_done: int, num_failed: int) -> None:
    """For those who do not watch the progress."""


def answer_shard(
    locator: LocatesPictures,
    shard: Shard,
    subject: Subject,
    how: AnsweringRecipe,
    on_answered: Callable[[int, int], None] = _tell_nobody,
) -> pa.Table:
    """Rows of PREDICTIONS about a shard's pictures, in their order.

    on_answered: hears after each batch how many were answered, and how many of them failed.
    """
    rows: list[Row] = []
    size = how.batch_size
    for start in range(0, len(shard.pictures), size):
        batch = shard.pictures[start : start + size]
        found = _locate(locator, batch, how.top_k)
        rows += [_row(*pair, subject) for pair in zip(batch, found, strict=True)]
        on_answered(len(batch), sum(one.status == "failed" for one in found))
    return rows_to_table(rows, PREDICTIONS)


def _locate(locator: LocatesPictures, batch: Sequence[KnownPicture], top_k: int) -> list[Location]:
    """One location per picture; those whose files cannot be read disturb no other."""
    seen = [_image_or_error(picture) for picture in batch]
    located = iter(locator.locate([one for one in seen if not isinstance(one, str)], top_k))
    return [
        Location("failed", error=one) if isinstance(one, str) else next(located) for one in seen
    ]


def _image_or_error(picture: KnownPicture) -> Image.Image | str:
    try:
        source = picture.source
        return source.decode(read_bytes(source.file, _LIMITS.max_bytes), _LIMITS).image
    except (OSError, ValueError, UnreadableImage) as problem:
        return str(problem)


def _row(picture: KnownPicture, location: Location, subject: Subject) -> Row:
    """`latency_ms`: the ranking of this picture and the writing of the batch that it was in."""
    said = location.to_json()
    return {name: said.get(name) for name in PREDICTIONS.names} | {
        "image_id": picture.image_id,
        "model": subject.name,
        "adapter": subject.adapter,
        "latency_ms": location.timings.rank_ms + location.timings.answer_ms,
        "true_country": picture.country,
        "true_city": picture.city,
        "true_latitude": picture.latitude,
        "true_longitude": picture.longitude,
        **(asdict(location.usage) if location.usage else {}),
    }
