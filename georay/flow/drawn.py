"""Samples and recipes of drawn scenes, shared by every flow over StreetWorld.

What decides a step stands in the demo's recipe; without one, in that of `georay demo`.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from georay.config.demo import DemoRecipe
from georay.config.load import load_recipe
from georay.config.predict import PredictRecipe
from georay.config.train import TrainRecipe

PAPERS_THRESHOLD = 0.4
PACKAGED = Path(__file__).parent / "recipes"
"""The recipes of the demo, which an installation without a checkout has too."""


@cache
def packaged_demo(name: str = "demo") -> DemoRecipe:
    """A recipe of the demo that the package carries: "demo" or "demo-quick"."""
    return load_recipe(PACKAGED / f"{name}.yaml", DemoRecipe)


def draw(folder: Path, seed: int, images: int) -> Path:
    """The scenes as files; drawn again only if a drawing was cut short."""
    from georay.runtime.progress import progress
    from georay.streetworld.export.records import write_folder
    from georay.streetworld.world import StreetWorld

    if not (folder / "clues.parquet").exists():
        with progress("drawing", images, "scenes") as meter:
            write_folder(StreetWorld(seed), images, folder, on_drawn=meter.advance)
    return folder


def curate(
    scenes: Path,
    folder: Path,
    threshold: float = PAPERS_THRESHOLD,
    demo: DemoRecipe | None = None,
) -> str:
    """Scores them, with weights made from their own clues; returns the summary.

    threshold: the least locatability that is kept; a demo given has its own.
    """
    from georay.curation.curate import curate

    given: dict[str, Any] = {
        "inputs": [str(scenes / "labels.csv")],
        "output": str(folder),
        "weights": {"clues": str(scenes / "clues.parquet")},
    }
    given |= {"threshold": threshold} if demo is None else {}
    return curate((demo or packaged_demo()).step("curate", given)).as_text()


def make_samples(
    clues: Path,
    curation: Path,
    out: Path,
    mix: Mapping[str, Any] | None = None,
    demo: DemoRecipe | None = None,
) -> str:
    """Samples of both stages, split by place; returns the summary.

    Stage 2 is judged by all scenes of the held-out places, also those that curation would drop.
    """
    from georay.curation.samples import make_samples

    given: dict[str, Any] = {"output": str(out), "curation": str(curation), "clues": [str(clues)]}
    given |= {} if mix is None else {"mix": mix}
    return make_samples((demo or packaged_demo()).step("samples", given)).as_text()


def training(
    samples: Path,
    out: Path,
    cache: Path,
    epochs: Mapping[str, int] | None = None,
    threads: int | None = None,
    demo: DemoRecipe | None = None,
) -> TrainRecipe:
    """Both stages above `tiny`, with the settings that its validation samples chose.

    cache: folder of the frozen-vision cache. epochs, threads: of each stage and of the one worker,
    instead of the demo's.
    """
    given: dict[str, Any] = {
        "samples": [str(samples)],
        "output": str(out),
        "vision_cache": str(cache),
    }
    if epochs is not None:
        given["stages"] = [{"adapter": name, "num_epochs": n} for name, n in epochs.items()]
    if threads is not None:
        given["workers"] = {"threads": threads}
    recipe: TrainRecipe = (demo or packaged_demo()).step("train", given)
    return recipe


def asking(
    samples: Path,
    out: Path,
    max_images: int | None = None,
    split: str = "test",
    demo: DemoRecipe | None = None,
) -> PredictRecipe:
    """The location question about scenes of places that training never saw.

    max_images: instead of the demo's.
    """
    given: dict[str, Any] = {"samples": [str(samples)], "output": str(out), "split": split}
    given |= {} if max_images is None else {"max_images": max_images}
    recipe: PredictRecipe = (demo or packaged_demo()).step("predict", given)
    return recipe
