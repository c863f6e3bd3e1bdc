"""A base model and samples, small enough that a training run is a matter of seconds."""

import io
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from georay.config.load import parse_recipe
from georay.config.tiny import TinyModelRecipe, TinyVisionRecipe
from georay.config.train import TrainRecipe
from georay.core.images import content_id
from georay.core.manifest import digest
from georay.core.prompts import PROMPTS, target_answer
from georay.core.tables import SAMPLES, rows_to_table
from georay.models.families.qwen_vl import QwenVLFamily
from georay.models.families.qwen_vl.tiny import build_tiny

SMALL = TinyModelRecipe(
    num_words=400,
    cities_per_country=1,
    hidden_size=128,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=96,
    visual=TinyVisionRecipe(image_size=28, width=32, layers=1, heads=2, n_queries=4),
)
PLACES = (("Japan", "Osaka"), ("Chile", "Santiago"), ("Ireland", "Dublin"), ("Kenya", "Nairobi"))


def small_family() -> QwenVLFamily:
    """Qwen-VL's architecture with random weights and some 400,000 parameters."""
    return build_tiny(SMALL)


def write_base(folder: Path) -> Path:
    """The small family as a folder that `load_family` reads."""
    family = small_family()
    family.network.save_pretrained(folder)
    family.processor.save_pretrained(folder)
    return folder


def jpeg(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((64, 48)).save(buffer, "JPEG")
    return buffer.getvalue()


def sample_row(pictures: Path, seed: int, stage: str, split: str) -> dict[str, object]:
    """A conversation about a picture of its own; reasons differ in length."""
    raw = jpeg(seed)
    path = pictures / f"{seed:05}.jpg"
    path.write_bytes(raw)
    country, city = PLACES[seed % len(PLACES)]
    reasons = " ".join(["the line is white"] * (1 + seed % 7))
    answer = target_answer(PROMPTS[stage], country=country, city=city, reasons=reasons)
    return {
        "sample_id": digest(stage, seed),
        "stage": stage,
        "split": split,
        "place": f"{country}/{city}",
        "image_id": content_id(raw),
        "uri": str(path),
        "question": PROMPTS[stage].question,
        "answer": answer,
        "country": country,
        "city": city,
    }


def write_samples(
    folder: Path,
    num_train: int,
    num_validation: int = 0,
    stages: tuple[str, ...] = tuple(PROMPTS),
    num_test: int = 0,
) -> Path:
    """Samples of both stages as one Parquet file, their pictures beside it."""
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    splits = ["train"] * num_train + ["validation"] * num_validation + ["test"] * num_test
    rows = [
        sample_row(pictures, seed, stage, split)
        for stage in stages
        if stage != "inference"
        for seed, split in enumerate(splits)
    ]
    path = folder / "samples.parquet"
    pq.write_table(rows_to_table(rows, SAMPLES), path)
    return path


def small_recipe(samples: Path, base: Path, out: Path, **changes: object) -> TrainRecipe:
    """A run of few steps at a rate that moves the loss."""
    content: dict[str, object] = {
        "samples": [str(samples)],
        "base": {"model": str(base)},
        "output": str(out),
        "lora": {"rank": 4, "alpha": 8},
        "optimizer": {"learning_rate": 1e-2, "warmup_ratio": 0.1},
        "batches": {"global_batch": 8, "micro_batch": 2},
        "zero": {"stage": 0},
        "workers": {"cpus_per_worker": 0.5, "max_failures": 0},
        "cluster": {"num_cpus": 3},
    }
    return parse_recipe(content | changes, TrainRecipe, "test")
