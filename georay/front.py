"""What `import georay` offers of each step: a recipe or its keywords in, a typed result out.

A recipe is an object of `georay.config`, or the path of a YAML file; keywords are the recipe's
fields and are laid over it. Without a recipe the keywords are one.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from georay.config.load import laid_over

if TYPE_CHECKING:
    from georay.config.curate import CurateRecipe
    from georay.config.predict import PredictRecipe
    from georay.config.train import TrainRecipe
    from georay.curation.summary import Summary
    from georay.evaluation.metrics import Measuring
    from georay.evaluation.predict import PredictSummary
    from georay.evaluation.side_by_side import SideBySide
    from georay.models.locations import Location
    from georay.models.locator import Picture
    from georay.models.registry import Adapters
    from georay.training.run import TrainSummary


def curate(recipe: "CurateRecipe | str | Path | None" = None, **settings: Any) -> "Summary":
    """Scores photographs and keeps the locatable ones; see `georay.config.curate.CurateRecipe`.

        georay.curate(inputs=["photos/"], output="runs/photos", threshold=0.5)

    Raises ValueError for a setting that is wrong, by its name.
    """
    from georay.config.curate import CurateRecipe
    from georay.curation.run import curate as run

    return run(laid_over(recipe, CurateRecipe, settings))


def train(recipe: "TrainRecipe | str | Path | None" = None, **settings: Any) -> "TrainSummary":
    """Tunes the two stages; see `georay.config.train.TrainRecipe`.

        georay.train("jobs/recipes/train-tiny.yaml", samples=["runs/samples"], output="runs/tuned")

    Raises ValueError for a setting that is wrong, by its name.
    """
    from georay.config.train import TrainRecipe
    from georay.training.run import train as run

    return run(laid_over(recipe, TrainRecipe, settings))


def predict(
    recipe: "PredictRecipe | str | Path | None" = None, **settings: Any
) -> "PredictSummary":
    """Asks a model about held-out pictures; see `georay.config.predict.PredictRecipe`.

        georay.predict(model="tiny", samples=["runs/samples"], output="runs/tiny.parquet")

    Raises ValueError for a setting that is wrong, by its name.
    """
    from georay.config.predict import PredictRecipe
    from georay.evaluation.predict import predict as run

    return run(laid_over(recipe, PredictRecipe, settings))


def evaluate(
    predictions: "Mapping[str, Path | str | Sequence[Path | str]]",
    truth: "Path | str | None" = None,
    raw_column: str | None = None,
    measuring: "Measuring | None" = None,
) -> "SideBySide":
    """Judges answers, ours or anyone's, by the names of their rows; see `georay evaluate --help`.

        georay.evaluate({"ours": "runs/both.parquet", "theirs": "answers.csv"}, truth="labels.csv")

    Several files of one name are runs of one system. Raises ValueError for a file that cannot be
    read, or does not belong to the truth.
    """
    from georay.evaluation.inputs.truth import read_truth
    from georay.evaluation.judging import Inputs
    from georay.evaluation.metrics import Measuring
    from georay.evaluation.side_by_side import judge

    rows = {
        name: [Path(files)] if isinstance(files, str | Path) else [Path(file) for file in files]
        for name, files in predictions.items()
    }
    inputs = Inputs(None if truth is None else read_truth(Path(truth)), raw_column)
    return judge(rows, inputs, measuring or Measuring())


def locate(
    pictures: "Sequence[Picture]",
    model: str = "tiny",
    adapters: "Adapters" = "packaged",
    top_k: int = 5,
) -> "list[Location]":
    """Where pictures were taken, in order; see `Locator`, which keeps the model for more of them.

    Raises what `Locator.from_pretrained` raises.
    """
    from georay.models.locator import Locator

    return Locator.from_pretrained(model, adapters).locate(pictures, top_k)
