"""A folder of pictures as a provider: those of its labels.csv that have a place and lie near."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from georay.acquisition.providers.base import FoundPicture, NoPicture, Point, Terms, Web, number
from georay.config.collect import FolderRecipe
from georay.core.geo import distance_km

LABELS = "labels.csv"
_MAX_BYTES = 1 << 30


@dataclass(frozen=True)
class _Labelled:
    """The pictures of a folder with their places as arrays, in degrees."""

    found: list[FoundPicture]
    latitude: np.ndarray
    longitude: np.ndarray


class PictureFolder:
    """Reads the folder's labels once. Raises ValueError if they are absent or name no places."""

    def __init__(self, recipe: FolderRecipe) -> None:
        self._folder = Path(recipe.folder).expanduser()
        self._pictures = _labelled(self._folder, recipe)
        self.terms = Terms(
            source=f"folder {self._folder.name}",
            url="",
            obligation=f"Licence as you state it: {recipe.licence}.",
            blurs=False,
            free_search=True,
        )

    async def find(self, point: Point, radius_m: float, web: Web) -> Sequence[FoundPicture]:  # noqa: ARG002
        known = self._pictures
        away = distance_km(point.latitude, point.longitude, known.latitude, known.longitude) * 1000
        return [known.found[at] for at in np.flatnonzero(away <= radius_m)]

    async def fetch(self, found: FoundPicture, heading: float, web: Web) -> bytes:  # noqa: ARG002
        try:
            with Path(found.url).open("rb") as file:
                return file.read(_MAX_BYTES)
        except OSError as problem:
            raise NoPicture("unreadable", f"cannot be read: {problem.strerror}") from problem


def _labelled(folder: Path, recipe: FolderRecipe) -> _Labelled:
    try:
        with (folder / LABELS).open(encoding="utf-8-sig", newline="") as file:
            found = [one for row in csv.DictReader(file) if (one := _found(row, folder, recipe))]
    except OSError as problem:
        raise ValueError(
            f"cannot read {folder / LABELS} ({problem.strerror}): the folder needs one, with the "
            "columns file, latitude and longitude, and perhaps heading and captured_at"
        ) from problem
    if not found:
        raise ValueError(f"{folder / LABELS} gives no picture a file, a latitude and a longitude")
    return _Labelled(
        found,
        np.array([one.latitude for one in found]),
        np.array([one.longitude for one in found]),
    )


def _found(row: dict[str, str], folder: Path, recipe: FolderRecipe) -> FoundPicture | None:
    latitude, longitude = number(row.get("latitude")), number(row.get("longitude"))
    if latitude is None or longitude is None or not row.get("file"):
        return None
    return FoundPicture(
        picture_id=row["file"],
        latitude=latitude,
        longitude=longitude,
        captured_at=_moment(row.get("captured_at")),
        licence=row.get("licence") or recipe.licence,
        attribution=row.get("attribution") or recipe.attribution,
        heading=number(row.get("heading")),
        url=str(folder / row["file"]),
    )


def _moment(text: str | None) -> datetime | None:
    try:
        read = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
