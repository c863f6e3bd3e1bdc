"""Scenes as rows and files: encoded pictures, masks and everything that is true about them."""

import csv
import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from georay.core.manifest import write_atomic
from georay.core.tables import CLUES, rows_to_table
from georay.streetworld.scene import Scene
from georay.streetworld.words.sentences import clue_rows
from georay.streetworld.world import StreetWorld

JPEG_QUALITY = 90

SCENES = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("index", pa.int64(), nullable=False),
        pa.field("image", pa.binary(), nullable=False),
        pa.field("mask", pa.binary(), nullable=False),
        pa.field("country", pa.string(), nullable=False),
        pa.field("city", pa.string(), nullable=False),
        pa.field("latitude", pa.float64(), nullable=False),
        pa.field("longitude", pa.float64(), nullable=False),
        pa.field("heading", pa.float64(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("weather", pa.string(), nullable=False),
        pa.field("caption", pa.string(), nullable=False),
        pa.field("visible_clue_count", pa.int32(), nullable=False),
        pa.field("clues", pa.string(), nullable=False),
    ]
)
"""A drawn scene: JPEG picture, PNG mask of ADE20K ids, and the clues as JSON."""

LABEL_COLUMNS = (
    "file",
    "country",
    "city",
    "latitude",
    "longitude",
    "heading",
    "kind",
    "weather",
    "visible_clue_count",
    "caption",
    "clues",
)


def scene_row(scene: Scene) -> dict[str, object]:
    """One row of the `SCENES` table."""
    return {
        "image_id": scene.name,
        "index": scene.index,
        "image": jpeg_bytes(scene.image),
        "mask": mask_bytes(scene.mask),
        "country": scene.country,
        "city": scene.city,
        "latitude": scene.latitude,
        "longitude": scene.longitude,
        "heading": scene.heading,
        "kind": scene.kind,
        "weather": scene.weather,
        "caption": scene.caption,
        "visible_clue_count": scene.visible_clue_count,
        "clues": clues_json(scene),
    }


def clues_json(scene: Scene) -> str:
    """The clues of a scene as a JSON list, with boxes in pixels."""
    found = [
        {"kind": c.kind, "text": c.text, "box": list(c.box), "misleading": c.misleading}
        for c in scene.clues
    ]
    return json.dumps(found, ensure_ascii=False)


def jpeg_bytes(image: NDArray[np.uint8]) -> bytes:
    """The picture [h, w, 3] as JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


def mask_bytes(mask: NDArray[np.uint8]) -> bytes:
    """The mask [h, w] as a grey PNG; fast rather than small, because masks compress well anyway."""
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _tell_nobody(_: int) -> None:
    """For those who do not watch the progress."""


def write_folder(
    world: StreetWorld,
    num_images: int,
    folder: Path,
    first: int = 0,
    on_drawn: Callable[[int], None] = _tell_nobody,
) -> None:
    """A small world as files: JPEGs in `images/`, PNG masks in `masks/`, `labels.csv`, clues.

    `labels.csv` is a truth that answers can be judged by: it also has the clues of each picture.
    `clues.parquet` has the schema of the `clues` table and comes last: where it is, all is. Raises
    ValueError if `num_images` is not positive. Meant for thousands of scenes;
    `dataset.write_scenes` streams any number. `on_drawn` hears how many scenes were added since it
    was last called.
    """
    if num_images < 1:
        raise ValueError(f"draw at least one image, got {num_images}")
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    sentences: list[dict[str, object]] = []
    labels: list[dict[str, object]] = []
    for index in range(first, first + num_images):
        scene = world.scene(index)
        file = f"images/{scene.name}.jpg"
        write_atomic(folder / file, jpeg_bytes(scene.image))
        write_atomic(folder / "masks" / f"{scene.name}.png", mask_bytes(scene.mask))
        facts = {name: getattr(scene, name) for name in LABEL_COLUMNS[1:-1]}
        labels.append({"file": file, **facts, "clues": clues_json(scene)})
        sentences += clue_rows(scene)
        on_drawn(1)
    _write_labels(folder / "labels.csv", labels)
    clues = io.BytesIO()
    pq.write_table(rows_to_table(sentences, CLUES), clues)
    write_atomic(folder / "clues.parquet", clues.getvalue())


def _write_labels(path: Path, rows: Iterable[dict[str, object]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, LABEL_COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    write_atomic(path, text.getvalue())
