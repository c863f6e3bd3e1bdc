"""One sentence of a source, before anything was decided about it."""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as its source has it. Latitude and longitude in degrees.

    image: the id, file name or uri of the picture that the source puts beside it.
    row: where in its file it stands, from 1, so that a person finds it again.
    problem: why the row cannot be read, where that is so; its text is then empty.
    """

    text: str
    row: int
    country: str | None = None
    city: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    image: str | None = None
    source: str | None = None
    licence: str | None = None
    problem: str | None = None


SENTENCES = pa.schema(
    [
        pa.field("text", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("country", pa.string()),
        pa.field("city", pa.string()),
        pa.field("latitude", pa.float64()),
        pa.field("longitude", pa.float64()),
        pa.field("image", pa.string()),
        pa.field("source", pa.string()),
        pa.field("licence", pa.string()),
        pa.field("problem", pa.string()),
    ]
)
"""The fields of `Sentence`."""
