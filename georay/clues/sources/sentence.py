"""One sentence of a source, before anything was decided about it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as its source has it. Latitude and longitude in degrees.

    image: the id, file name or uri of the picture that the source puts beside it.
    row: where in its file it stands, from 1, so that a person finds it again.
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
