"""Some pictures with what each model said of them, beside what is true."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from georay.core.gazetteer import Gazetteer
from georay.core.images import ImageLimits
from georay.core.picture_files import PictureFile
from georay.core.storage import read_bytes
from georay.core.tables import PREDICTIONS, conform
from georay.evaluation.datasets import KnownPicture

_SIDE = 420


@dataclass(frozen=True)
class ModelAnswer:
    """One model's answer in words, and how much of it is right."""

    label: str
    text: str
    country_is_right: bool
    city_is_right: bool


@dataclass(frozen=True)
class PictureAnswers:
    """A picture as a data URI, its place in words, and every model's answer."""

    image: str
    truth: str
    answers: tuple[ModelAnswer, ...]


def pictures_with_answers(
    pictures: Sequence[KnownPicture], files: Mapping[str, Path], number: int
) -> list[PictureAnswers]:
    """`number` pictures, evenly out of all, that every one of the predictions files answers.

    files: the predictions of each model by its label.
    """
    rows = {label: _by_image(path) for label, path in files.items()}
    common = [one for one in pictures if all(one.image_id in found for found in rows.values())]
    chosen = common[:: max(1, len(common) // max(1, number))][:number]
    return [_picture(one, {label: found[one.image_id] for label, found in rows.items()})
            for one in chosen]  # fmt: skip


def _by_image(path: Path) -> dict[str, dict[str, Any]]:
    table = conform(pq.ParquetFile(path).read(), PREDICTIONS, str(path))
    return {row["image_id"]: row for row in table.to_pylist()}


def _picture(picture: KnownPicture, rows: Mapping[str, dict[str, Any]]) -> PictureAnswers:
    answers = [_answered(label, row, picture) for label, row in rows.items()]
    return PictureAnswers(
        _data_uri(picture.source), _place(picture.city, picture.country), tuple(answers)
    )


def _answered(label: str, row: dict[str, Any], picture: KnownPicture) -> ModelAnswer:
    gazetteer = Gazetteer.load()
    if row["status"] != "answered":
        return ModelAnswer(label, row["error"] or f"no place ({row['status']})", False, False)
    towns = [gazetteer.resolve(city, country) if city else None
             for city, country in ((row["city"], row["country"]),
                                   (picture.city, picture.country))]  # fmt: skip
    return ModelAnswer(
        label=label,
        text=_place(row["city"], row["country"]),
        country_is_right=row["country"] == picture.country,
        city_is_right=towns[0] is not None and towns[0] == towns[1],
    )


def _place(city: str | None, country: str | None) -> str:
    name = Gazetteer.load().country_name(country) if country else None
    return ", ".join(part for part in (city, name) if part) or "no place"


def _data_uri(source: PictureFile) -> str:
    limits = ImageLimits()
    image = source.decode(read_bytes(source.file, limits.max_bytes), limits, _SIDE).image
    image.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
