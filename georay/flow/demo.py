"""What `georay demo` does: draw, curate, make samples, train, ask, compare."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from georay.config.demo import DemoRecipe
from georay.config.predict import PredictRecipe
from georay.flow.ablation import answer_rows, measured
from georay.flow.drawn import asking, curate, draw, make_samples, training

Say = Callable[[str], None]


@dataclass(frozen=True)
class DemoOutcome:
    """What the demo leaves: its report, the folder of what it trained, and the figures as text."""

    report: Path
    models: Path
    text: str


def run_demo(recipe: DemoRecipe, say: Say) -> DemoOutcome:
    """Everything from a drawn world to a table; what an earlier call has done is not done again."""
    from georay.config.cluster import ClusterRecipe
    from georay.core.extras import require_extra
    from georay.runtime.connect import connect

    require_extra("streetworld", "the demo")
    require_extra("train", "the demo")
    folder = (Path(recipe.output).expanduser() / recipe.name).absolute()
    scenes = draw(folder / "scenes", recipe.seed, recipe.images)
    samples, models = folder / "samples" / "samples", folder / "models"
    trained = training(samples, models, folder / "vision", demo=recipe)
    asked = asking(samples, models / "base.parquet", demo=recipe)
    with connect(ClusterRecipe()):  # one for all steps: starting it takes seconds
        say(curate(scenes, folder / "curation", demo=recipe))
        say(
            make_samples(scenes / "clues.parquet", folder / "curation", samples.parent, demo=recipe)
        )
        files = answer_rows(trained, asked, models, rows=recipe.rows)
    return _report(folder, asked, files)


def _report(folder: Path, asked: PredictRecipe, files: dict[str, list[Path]]) -> DemoOutcome:
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
            "No answer says how sure it is: nothing was fitted for these new adapters, so their "
            "confidence, which the tables of predictions hold, is uncalibrated until "
            "`georay calibrate` has been run on the validation places.",
            f"A place picked at random would be right in {1 / num_countries:.1%} of the countries "
            f"and {1 / num_cities:.1%} of the cities: the drawn world has {num_countries} and "
            f"{num_cities}.",
        ),
    )
    report = folder / "report.html"
    write_atomic(report, render_comparison(page))
    return DemoOutcome(report, folder / "models", comparison.as_markdown())


def _links(folder: Path) -> Sequence[tuple[str, str]]:
    runs = sorted((folder / "models").glob("seed-*/*/report.html"))
    trained = [(f"training: {path.parent.name}", str(path.relative_to(folder))) for path in runs]
    return [("curation report", "curation/report.html"), *trained]
