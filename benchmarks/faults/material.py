"""Pictures, samples and a model, as small as they can be: what runs are made of."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.nodes_workloads import SMALLEST
from benchmarks.training import write_base
from georay.core.images import content_id
from georay.core.manifest import digest, write_table
from georay.core.paths import AnyPath, address_of
from georay.core.prompts import LOCATION, target_answer
from georay.core.tables import SAMPLES, rows_to_table

PLACES = (("Japan", "Osaka"), ("Chile", "Santiago"), ("Ireland", "Dublin"), ("Kenya", "Nairobi"))


def write_model(folder: Path) -> Path:
    """A base with random weights."""
    return write_base(folder, SMALLEST)


def picture(seed: int) -> bytes:
    """A JPEG that no other seed gives."""
    pixels = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).resize((320, 240)).save(buffer, "JPEG")
    return buffer.getvalue()


def write_pictures(folder: AnyPath, number: int) -> list[AnyPath]:
    """So many files, numbered."""
    folder.mkdir(parents=True)
    files = [folder / f"{seed:05}.jpg" for seed in range(number)]
    for seed, file in enumerate(files):
        file.write_bytes(picture(seed))
    return files


def write_samples(folder: AnyPath, number: int, split: str) -> AnyPath:
    """A table of conversations about pictures beside it, each about one of its own."""
    files = write_pictures(folder / "pictures", number)
    rows = [_sample(seed, file, split) for seed, file in enumerate(files)]
    table = folder / "samples.parquet"
    write_table(table, rows_to_table(rows, SAMPLES))
    return table


def _sample(seed: int, file: AnyPath, split: str) -> dict[str, object]:
    country, city = PLACES[seed % len(PLACES)]
    return {
        "sample_id": digest(LOCATION.name, seed),
        "stage": LOCATION.name,
        "split": split,
        "place": f"{country}/{city}",
        "image_id": content_id(picture(seed)),
        "uri": address_of(file).uri,
        "question": LOCATION.question,
        "answer": target_answer(LOCATION, country=country, city=city),
        "country": country,
        "city": city,
    }
