"""A finished folder of samples whose pictures are real, to be exported and taken over."""

import io
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from panorama_room import write_panorama
from PIL import Image

from georay.core.images import content_id
from georay.core.manifest import digest
from georay.core.picture_files import PictureFile
from georay.core.prompts import LOCATION, REASONING
from georay.core.tables import SAMPLES, rows_to_table

PICTURES = ("a.jpg", "b b.png", "é.webp", "d.jpg", "e.png", "f.jpg")
SPLITS = ("train", "validation", "test")
FORMS = ("llama-factory", "qwen-vl", "webdataset", "hf-datasets")
BY = "An Author / Mapillary, CC BY-SA 4.0"
TERMS = {
    "picture_source": "mapillary",
    "picture_licence": "CC BY-SA 4.0",
    "picture_attribution": BY,
}


def picture_bytes(number, name, orientation=None):
    """A small picture of noise, unlike any of another number."""
    noise = np.random.default_rng(number).integers(0, 255, (24, 36, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    more = {}
    if orientation:
        exif = image.getexif()
        exif[0x0112] = orientation
        more["exif"] = exif
    raw = io.BytesIO()
    image.save(raw, {"jpg": "JPEG"}.get(name.rpartition(".")[2], name.rpartition(".")[2]), **more)
    return raw.getvalue()


def sample(number, uri, image_id, prompt, **changes):
    answer = (
        {"country": "France", "city": "Paris"}
        if prompt is LOCATION
        else {"country": "France", "reasons": f"“Plates” of kind {number}, é."}
    )
    text = json.dumps(answer, ensure_ascii=False)
    terms = {"clue_id": f"c{number}", "clue_source": "guide", "clue_licence": "CC BY-NC 4.0"}
    return {
        "sample_id": digest(prompt.name, image_id, prompt.question, text),
        "stage": prompt.name,
        "split": SPLITS[number % 3],
        "place": f"cell 1 km {number} 7",
        "image_id": image_id,
        "uri": str(uri),
        "question": prompt.question,
        "answer": text,
        "country": "FR",
        "city": "Paris" if prompt is LOCATION else None,
        "latitude": 48.0 + number,
        "longitude": None if number == 1 else 2.5,
        "locatability": 0.5 if prompt is LOCATION else None,
        **(terms if prompt is REASONING else {}),
        **changes,
    }


def rows_about(folder: Path):
    """Both stages' samples about PICTURES, which are written to the folder with their terms."""
    folder.mkdir(parents=True)
    rows = []
    for number, name in enumerate(PICTURES):
        raw = picture_bytes(number, name, orientation=6 if name == "f.jpg" else None)
        (folder / name).write_bytes(raw)
        terms = TERMS if name == "a.jpg" else {}
        for prompt in (REASONING, LOCATION):
            rows.append(sample(number, folder / name, content_id(raw), prompt, **terms))
    return rows


def view_row(folder: Path):
    """A sample about one view of a panorama."""
    file = write_panorama(folder / "pano.jpg")
    view = PictureFile(str(file), 90.0)
    image_id = view.id_of(file.read_bytes())
    return sample(6, view.uri, image_id, LOCATION, projection="view")


def write_samples(root: Path, rows):
    """The folder as `georay samples` leaves it."""
    (root / "samples").mkdir(parents=True)
    table = rows_to_table(rows, SAMPLES).sort_by(
        [("stage", "ascending"), ("sample_id", "ascending")]
    )
    pq.write_table(table, root / "samples" / "part-00000.parquet")
    (root / "samples.json").write_text("{}")
    return root


def read_samples(root: Path):
    """Its rows by id."""
    return {row["sample_id"]: row for row in pq.read_table(root / "samples").to_pylist()}


def said(row):
    """What must be the same wherever a sample goes: the conversation, its picture and its split."""
    return row["stage"], row["split"], row["question"], row["answer"], row["image_id"]
