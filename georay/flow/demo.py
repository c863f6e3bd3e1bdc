"""What `georay demo` does: draw, curate, make samples, train, ask, compare.

The adapters that the package carries for its tiny model come from the same flow, with more of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from georay.config.predict import PredictRecipe
from georay.flow.ablation import ROWS, answer_rows, measured
from georay.flow.drawn import asking, curate, draw, make_samples, training

Say = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """How much of everything: a demo that takes minutes, one that shows more, or what is shipped.

    seed: of the drawn world. images: scenes that are drawn. threshold: of locatability; few drawn
    scenes reach the paper's 0.4, so a demo keeps more of its few. reasoning_epochs,
    location_epochs: passes over the samples of a stage. max_images: of the test places, at most so
    many are asked about.
    """

    name: str
    seed: int
    images: int
    threshold: float
    reasoning_epochs: int
    location_epochs: int
    max_images: int
    rows: tuple[str, ...]


FULL = Size("full", 7, 1_300, 0.35, 3, 6, 300, tuple(ROWS))
QUICK = Size("quick", 7, 450, 0.35, 3, 6, 100, ("base", "both stages"))
SHIPPED = Size("shipped", 52, 12_000, 0.4, 3, 10, 1_000, ("base", "both stages"))


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
    scenes = draw(folder / "scenes", size.seed, size.images)
    samples, models = folder / "samples" / "samples", folder / "models"
    epochs = {"reasoning": size.reasoning_epochs, "location": size.location_epochs}
    trained = training(samples, models, folder / "vision", epochs)
    asked = asking(samples, models / "base.parquet", size.max_images)
    with connect(ClusterRecipe()):  # one for all steps: starting it takes seconds
        say(curate(scenes, folder / "curation", size.threshold))
        say(make_samples(scenes / "clues.parquet", folder / "curation", samples.parent))
        files = answer_rows(trained, asked, models, rows=size.rows)
    return _report(folder, asked, files)


def _report(folder: Path, asked: PredictRecipe, files: dict[str, list[Path]]) -> Finished:
    from georay.core.manifest import write_atomic
    from georay.evaluation.datasets import read_split
    from georay.evaluation.report import (
        ComparisonPage,
        pictures_with_answers,
        render_comparison,
    )
    from georay.streetworld.atlas.atlas import Atlas

    num_countries, num_cities = len(Atlas.load().countries), len(Atlas.load().places)
    comparison = measured("What each stage is worth", files)
    pictures = read_split(asked.samples, asked.split, asked.stage, asked.max_images)
    first = {label: paths[0] for label, paths in files.items()}
    page = ComparisonPage(
        title="What each stage is worth",
        lead=(
            f"The tiny model of georay, asked about {len(pictures):,} drawn scenes of places that "
            "it has never seen: the bare base, and after the paper's stages of training. The "
            "scenes come from StreetWorld, a world that georay draws; they are not photographs."
        ),
        comparison=comparison,
        pictures=pictures_with_answers(pictures, first, 12),
        links=_links(folder),
        notes=(
            "A tiny network and few drawn scenes: the figures show that the flow works, not how "
            "well the paper's model would do.",
            "Each row is asked what its last stage learnt: after the reasons alone that is the "
            "country and why, so no town is named.",
            f"A place picked at random would be right in {1 / num_countries:.1%} of the countries "
            f"and {1 / num_cities:.1%} of the cities: the drawn world has {num_countries} and "
            f"{num_cities}.",
        ),
    )
    report = folder / "report.html"
    write_atomic(report, render_comparison(page))
    return Finished(report, comparison.as_markdown())


def _links(folder: Path) -> Sequence[tuple[str, str]]:
    runs = sorted((folder / "models").glob("seed-*/*/report.html"))
    trained = [(f"training: {path.parent.name}", str(path.relative_to(folder))) for path in runs]
    return [("curation report", "curation/report.html"), *trained]
