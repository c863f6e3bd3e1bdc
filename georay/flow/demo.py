"""What `georay demo` does: draw, curate, make samples, train, ask, compare.

The adapters that the package carries for its tiny model come from the same flow, with more of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from georay.flow.ablation import LEARNING_RATE, ROWS, TARGETS, answer_rows, measured

Say = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """How much of everything: a demo that takes minutes, one that shows more, or what is shipped.

    seed: of the drawn world. images: scenes that are drawn. reasoning_epochs, location_epochs:
    passes over the samples of a stage. max_images: of the test places, at most so many are asked
    about.
    """

    name: str
    seed: int
    images: int
    reasoning_epochs: int
    location_epochs: int
    max_images: int
    rows: tuple[str, ...]


FULL = Size("full", 7, 1_800, 2, 12, 300, tuple(ROWS))
QUICK = Size("quick", 7, 600, 1, 6, 100, ("base", "both stages"))
SHIPPED = Size("shipped", 52, 12_000, 3, 10, 1_000, ("base", "both stages"))


@dataclass(frozen=True)
class Finished:
    """What the demo leaves: its report, and the figures as text."""

    report: Path
    text: str


def run_demo(size: Size, out: Path, say: Say) -> Finished:
    """Everything from a drawn world to a table; what an earlier call has done is not done again."""
    from georay.config.cluster import ClusterRecipe
    from georay.runtime.connect import connect

    folder = (out / size.name).absolute()
    scenes = _draw_once(folder / "scenes", size)
    with connect(ClusterRecipe()):  # one for all steps: starting it takes seconds
        say(_curate(scenes, folder / "curation"))
        say(_make_samples(scenes, folder))
        files = answer_rows(
            _training(folder, size), _asking(folder, size), folder / "models", rows=size.rows
        )
    return _report(folder, size, files)


def _draw_once(folder: Path, size: Size) -> Path:
    """The scenes as files; drawn again only if a drawing was cut short."""
    from georay.runtime.progress import progress
    from georay.streetworld.records import write_folder
    from georay.streetworld.world import StreetWorld

    if not (folder / "clues.parquet").exists():
        with progress("drawing", size.images, "scenes") as meter:
            write_folder(StreetWorld(size.seed), size.images, folder, on_drawn=meter.advance)
    return folder


def _curate(scenes: Path, folder: Path) -> str:
    from georay.config.curate import CurateRecipe
    from georay.config.load import parse_recipe
    from georay.curation.run import curate

    content = {
        "inputs": [str(scenes / "labels.csv")],
        "output": str(folder),
        "title": "StreetWorld: drawn scenes",
        "weights": {"clues": str(scenes / "clues.parquet")},
    }
    return curate(parse_recipe(content, CurateRecipe, "demo")).as_text()


def _make_samples(scenes: Path, folder: Path) -> str:
    """Stage 2 is judged by all scenes of the test places, also those that curation would drop."""
    from georay.config.load import parse_recipe
    from georay.config.samples import SamplesRecipe
    from georay.curation.samples import make_samples

    content = {
        "output": str(folder / "samples"),
        "curation": str(folder / "curation"),
        "clues": [str(scenes / "clues.parquet")],
        "max_clues_per_image": 1,
        "held_out": "scored",
        "splits": {"validation": 0.05, "test": 0.2},
    }
    return make_samples(parse_recipe(content, SamplesRecipe, "demo")).as_text()


def _training(folder: Path, size: Size) -> Any:
    from georay.config.load import parse_recipe
    from georay.config.train import TrainRecipe

    content = {
        "samples": [str(folder / "samples" / "samples")],
        "output": str(folder / "models"),
        "base": {"model": "tiny"},
        "stages": [
            {"adapter": "reasoning", "num_epochs": size.reasoning_epochs},
            {"adapter": "location", "num_epochs": size.location_epochs},
        ],
        "lora": {"targets": TARGETS},
        "optimizer": {"learning_rate": LEARNING_RATE},
        "batches": {"global_batch": 32, "micro_batch": 16},
        "gradient_checkpointing": False,
        "vision_cache": str(folder / "vision"),
        "zero": {"stage": 0},
        "workers": {"num_workers": 1, "threads": 2},
    }
    return parse_recipe(content, TrainRecipe, "demo")


def _asking(folder: Path, size: Size) -> Any:
    from georay.config.load import parse_recipe
    from georay.config.predict import PredictRecipe

    content = {
        "samples": [str(folder / "samples" / "samples")],
        "output": str(folder / "models" / "base.parquet"),
        "model": "tiny",
        "max_images": size.max_images,
        "answering": {"prompt": "location", "max_new_tokens": 48, "batch_size": 32},
    }
    return parse_recipe(content, PredictRecipe, "demo")


def _report(folder: Path, size: Size, files: dict[str, list[Path]]) -> Finished:
    from georay.core.manifest import write_atomic
    from georay.evaluation.datasets import read_split
    from georay.evaluation.report import (
        ComparisonPage,
        pictures_with_answers,
        render_comparison,
    )

    comparison = measured("What each stage is worth", files)
    asked = _asking(folder, size)
    pictures = read_split(asked.samples, asked.split, asked.stage, asked.max_images)
    first = {label: paths[0] for label, paths in files.items()}
    page = ComparisonPage(
        title="What each stage is worth",
        lead=(
            f"The tiny model of georay, asked about {len(pictures):,} drawn scenes of places that "
            "it has never seen: as it ships, and after the paper's stages of training. The scenes "
            "come from StreetWorld, a world that georay draws; they are not photographs."
        ),
        comparison=comparison,
        pictures=pictures_with_answers(pictures, first, 12),
        links=_links(folder),
        notes=(
            "A tiny network and few drawn scenes: the figures show that the flow works, not how "
            "well the paper's model would do.",
        ),
    )
    report = folder / "report.html"
    write_atomic(report, render_comparison(page))
    return Finished(report, comparison.as_markdown())


def _links(folder: Path) -> Sequence[tuple[str, str]]:
    runs = sorted((folder / "models").glob("seed-*/*/report.html"))
    trained = [(f"training: {path.parent.name}", str(path.relative_to(folder))) for path in runs]
    return [("curation report", "curation/report.html"), *trained]
