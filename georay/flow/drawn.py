"""Drawn scenes, from a seed to samples and recipes: what every flow over StreetWorld shares."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from georay.config.predict import PredictRecipe
from georay.config.train import TrainRecipe
from georay.flow.ablation import LEARNING_RATE, TARGETS


def draw(folder: Path, seed: int, images: int) -> Path:
    """The scenes as files; drawn again only if a drawing was cut short."""
    from georay.runtime.progress import progress
    from georay.streetworld.export.records import write_folder
    from georay.streetworld.world import StreetWorld

    if not (folder / "clues.parquet").exists():
        with progress("drawing", images, "scenes") as meter:
            write_folder(StreetWorld(seed), images, folder, on_drawn=meter.advance)
    return folder


def curate(scenes: Path, folder: Path, threshold: float = 0.4) -> str:
    """Scores them, with weights made from their own clues; returns the summary.

    threshold: the least locatability that is kept; by default the paper's (section 3.1).
    """
    from georay.config.curate import CurateRecipe
    from georay.config.load import parse_recipe
    from georay.curation.run import curate

    content = {
        "inputs": [str(scenes / "labels.csv")],
        "output": str(folder),
        "title": "StreetWorld: drawn scenes",
        "weights": {"clues": str(scenes / "clues.parquet")},
        "threshold": threshold,
    }
    return curate(parse_recipe(content, CurateRecipe, "drawn scenes")).as_text()


def make_samples(
    clues: Path, curation: Path, out: Path, mix: Mapping[str, Any] | None = None
) -> str:
    """Samples of both stages, split by place; returns the summary.

    Stage 2 is judged by all scenes of the held-out places, also those that curation would drop.
    """
    from georay.config.load import parse_recipe
    from georay.config.samples import SamplesRecipe
    from georay.curation.samples import make_samples

    content = {
        "output": str(out),
        "curation": str(curation),
        "clues": [str(clues)],
        "max_clues_per_image": 1,
        "mix": mix,
        "held_out": "scored",
        "splits": {"validation": 0.05, "test": 0.2},
    }
    return make_samples(parse_recipe(content, SamplesRecipe, "drawn scenes")).as_text()


def training(
    samples: Path, out: Path, cache: Path, epochs: Mapping[str, int], threads: int = 2
) -> TrainRecipe:
    """Both stages above `tiny`, with the settings that its validation samples chose.

    cache: folder of the frozen-vision cache. epochs: of each stage. threads: of the one worker.
    """
    from georay.config.load import parse_recipe

    content = {
        "samples": [str(samples)],
        "output": str(out),
        "base": {"model": "tiny"},
        "stages": [{"adapter": name, "num_epochs": n} for name, n in epochs.items()],
        "lora": {"targets": TARGETS},
        "optimizer": {"learning_rate": LEARNING_RATE},
        "batches": {"global_batch": 16, "micro_batch": 16},
        "gradient_checkpointing": False,
        "vision_cache": str(cache),
        "zero": {"stage": 0},
        "workers": {"num_workers": 1, "threads": threads},
    }
    return parse_recipe(content, TrainRecipe, "drawn scenes")


def asking(samples: Path, out: Path, max_images: int, split: str = "test") -> PredictRecipe:
    """The location question about scenes of places that training never saw."""
    from georay.config.load import parse_recipe

    content = {
        "samples": [str(samples)],
        "output": str(out),
        "model": "tiny",
        "split": split,
        "max_images": max_images,
        "answering": {"prompt": "location", "max_new_tokens": 96, "batch_size": 32},
    }
    return parse_recipe(content, PredictRecipe, "drawn scenes")
