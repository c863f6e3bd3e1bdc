"""What `import georay` offers of each step: a recipe or its keywords in, a typed result out.

A recipe is an object of `georay.config`, or the path of a YAML file; keywords are the recipe's
fields and are laid over it. Without a recipe the keywords are one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from georay.config.load import laid_over

if TYPE_CHECKING:
    from georay.config.curate import CurateRecipe
    from georay.config.predict import PredictRecipe
    from georay.config.train import TrainRecipe
    from georay.curation.summary import Summary
    from georay.evaluation.predict import PredictSummary
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
