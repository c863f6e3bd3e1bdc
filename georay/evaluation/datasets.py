"""The pictures that models are judged by: those of a split, with what is true of them."""

import hashlib
from dataclasses import dataclass, replace
from typing import Self

import pyarrow.compute as pc

from georay.core.picture_files import PictureFile
from georay.core.tables import read_samples

_COLUMNS = (
    "image_id",
    "sample_id",
    "uri",
    "country",
    "city",
    "latitude",
    "longitude",
    "projection",
)


@dataclass(frozen=True, slots=True)
class KnownPicture:
    """A picture and where it was taken: alpha-2 code, town, degrees; None where nobody knows."""

    image_id: str
    uri: str
    country: str
    city: str | None
    latitude: float | None
    longitude: float | None
    projection: str | None = None

    @property
    def source(self) -> PictureFile:
        """Its file, and the view of it that is meant."""
        return PictureFile.of_row(self.uri, self.projection)

    def facts(self) -> tuple[object, ...]:
        """What is asked about and what is true, wherever the file lies; ids tell views apart."""
        return (self.image_id, "", self.country, self.city, self.latitude, self.longitude)

    def at(self, uri: str) -> Self:
        """The same picture under another uri."""
        return replace(self, uri=uri)


def read_split(
    locations: tuple[str, ...], split: str, stage: str, max_images: int | None = None
) -> tuple[KnownPicture, ...]:
    """Every picture that a stage has in a split, once, ordered by its id.

    locations: Parquet files or folders of schema SAMPLES. max_images: of more, those whose ids'
    hashes are smallest: a draw that depends on nothing but the ids.
    Raises ValueError if a location cannot be read, there is no picture, or one picture has been
    given two countries.
    """
    table = read_samples(locations)
    chosen = pc.and_(pc.equal(table["split"], split), pc.equal(table["stage"], stage))
    rows = table.filter(chosen).select(_COLUMNS)
    rows = rows.sort_by([("image_id", "ascending"), ("sample_id", "ascending")])
    pictures = _once_each(rows.drop_columns(["sample_id"]).to_pylist())
    if not pictures:
        raise ValueError(
            f"{', '.join(locations)}: no picture of stage {stage!r} in split {split!r}"
        )
    if max_images is None or len(pictures) <= max_images:
        return tuple(pictures)
    drawn = sorted(pictures, key=_chance)[:max_images]
    return tuple(sorted(drawn, key=lambda picture: picture.image_id))


def _once_each(rows: list[dict[str, object]]) -> list[KnownPicture]:
    """A picture may be in several samples, such as one per clue about it."""
    found: dict[object, KnownPicture] = {}
    for row in rows:
        picture = KnownPicture(**row)  # type: ignore[arg-type]  # conform checked the columns
        before = found.setdefault(picture.image_id, picture)
        if before.country != picture.country:
            raise ValueError(
                f"image {picture.image_id} lies in {before.country} by one sample and in "
                f"{picture.country} by another; leave out one of them"
            )
    return list(found.values())


def _chance(picture: KnownPicture) -> bytes:
    return hashlib.sha256(picture.image_id.encode()).digest()
