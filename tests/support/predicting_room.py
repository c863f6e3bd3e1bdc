"""A small untrained model and samples of drawn scenes, all as files: what predictions need."""

from pathlib import Path

import pyarrow.parquet as pq

from georay.config.load import parse_recipe
from georay.config.predict import PredictRecipe
from georay.config.tiny import TinyModelRecipe, TinyVisionRecipe
from georay.core.images import content_id
from georay.core.manifest import digest
from georay.core.prompts import LOCATION, REASONING, target_answer
from georay.core.tables import SAMPLES, rows_to_table
from georay.models.families.qwen_vl.tiny import build_tiny
from georay.streetworld.export.records import jpeg_bytes
from georay.streetworld.scene import Scene
from georay.streetworld.world import StreetWorld

SMALL = TinyModelRecipe(
    num_words=500,
    cities_per_country=1,
    hidden_size=128,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=96,
    visual=TinyVisionRecipe(image_size=224, width=48, layers=1, heads=2, n_queries=16),
)
SCENES_PER_SPLIT = {"test": 5, "train": 2}


def write_model(folder: Path) -> Path:
    family = build_tiny(SMALL)
    family.network.save_pretrained(folder)
    family.processor.save_pretrained(folder)
    return folder


def write_samples(folder: Path) -> Path:
    """Stage 2 of both splits and one clue of stage 1, in the order of drawing."""
    folder.mkdir()
    world, rows, number = StreetWorld(seed=11, size=224), [], 0
    for split, count in SCENES_PER_SPLIT.items():
        for _ in range(count):
            rows.append(_row(folder, world.scene(number), split, "location"))
            number += 1
    rows.append(_row(folder, world.scene(0), "test", "reasoning"))
    pq.write_table(rows_to_table(rows, SAMPLES), folder / "samples.parquet")
    return folder / "samples.parquet"


def _row(folder: Path, scene: Scene, split: str, stage: str) -> dict[str, object]:
    raw = jpeg_bytes(scene.image)
    path = folder / f"{content_id(raw)}.jpg"
    path.write_bytes(raw)
    prompt = LOCATION if stage == "location" else REASONING
    answer = target_answer(prompt, country=scene.country, city=scene.city, reasons="it says so")
    return {
        "sample_id": digest(stage, scene.index),
        "stage": stage,
        "split": split,
        "place": f"{scene.country}/{scene.city}",
        "image_id": content_id(raw),
        "uri": str(path),
        "question": prompt.question,
        "answer": answer,
        "country": scene.country,
        "city": scene.city,
        "latitude": scene.latitude,
        "longitude": scene.longitude,
    }


def recipe_of(samples: Path, model: Path, output: Path, /, **changes: object) -> PredictRecipe:
    """Valid, short answers in shards of three pictures."""
    content: dict[str, object] = {
        "samples": [str(samples)],
        "model": str(model),
        "output": str(output),
        "device": "cpu",
        "answering": {
            "prompt": "location",
            "constrained": True,
            "top_k": 0,
            "max_new_tokens": 128,
            "batch_size": 2,
        },
        "shard_size": 3,
    }
    return parse_recipe(content | changes, PredictRecipe, "test")
