"""The Python interface of each step: a recipe or its keywords in, a typed result out.

A recipe is an object of `georay.config`, or the path of a YAML file; keywords are the recipe's
fields and are laid over it. Without a recipe the keywords are one.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from georay.config.load import laid_over

if TYPE_CHECKING:
    from georay.config.curate import CurateRecipe
    from georay.config.locate import LocateRecipe
    from georay.config.predict import PredictRecipe
    from georay.config.train import TrainRecipe
    from georay.curation.summary import Summary
    from georay.evaluation.metrics import Measuring
    from georay.evaluation.predict import PredictSummary
    from georay.evaluation.side_by_side import SideBySide
    from georay.flow.collection import LocateSummary
    from georay.models.locations import Location
    from georay.models.locator import Picture
    from georay.models.registry import Adapters
    from georay.training.train import TrainSummary


def curate(recipe: "CurateRecipe | str | Path | None" = None, **settings: Any) -> "Summary":
    """Scores photographs and keeps the locatable ones; see `georay.config.curate.CurateRecipe`.

        georay.curate(inputs=["photos/"], output="runs/photos", threshold=0.5)

    Raises ValueError for a setting that is wrong, by its name.
    """
    from georay.config.curate import CurateRecipe
    from georay.curation.curate import curate as run

    return run(laid_over(recipe, CurateRecipe, settings))


def train(recipe: "TrainRecipe | str | Path | None" = None, **settings: Any) -> "TrainSummary":
    """Tunes the two stages; see `georay.config.train.TrainRecipe`.

        georay.train("jobs/recipes/train-tiny-few.yaml", samples=["runs/samples"], output="tuned")

    Raises ValueError for a setting that is wrong, by its name.
    """
    from georay.config.train import TrainRecipe
    from georay.core.extras import require_extra

    require_extra("train", "training")
    from georay.training.train import train as run

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
    scenes: "Path | str | None" = None,
    conventions: "Path | str | None" = None,
) -> "SideBySide":
    """Judges answers, ours or anyone's, by the names of their rows; see `georay evaluate --help`.

        georay.evaluate({"ours": "runs/both.parquet", "theirs": "answers.csv"}, truth="labels.csv")

    Several files of one name are runs of one system. scenes, conventions: what reasons are held
    against, as the options of the command say. Raises ValueError for a file that cannot be
    read, or does not belong to the truth.
    """
    from georay.evaluation.inputs.conventions import read_conventions
    from georay.evaluation.inputs.scenes import read_scenes
    from georay.evaluation.inputs.truth import read_truth
    from georay.evaluation.judging import Inputs
    from georay.evaluation.metrics import Measuring
    from georay.evaluation.side_by_side import judge

    rows = {
        name: [Path(files)] if isinstance(files, str | Path) else [Path(file) for file in files]
        for name, files in predictions.items()
    }
    inputs = Inputs(
        None if truth is None else read_truth(Path(truth)),
        raw_column,
        scenes=None if scenes is None else read_scenes(Path(scenes)),
        conventions=None if conventions is None else read_conventions(Path(conventions)),
    )
    return judge(rows, inputs, measuring or Measuring())


@overload
def locate(
    pictures: "Sequence[Picture]",
    model: str = ...,
    adapters: "Adapters" = ...,
    top_k: int = ...,
) -> "list[Location]": ...


@overload
def locate(
    pictures: None = None, *, recipe: "LocateRecipe | str | Path | None" = ..., **settings: Any
) -> "LocateSummary": ...


def locate(
    pictures: "Sequence[Picture] | None" = None,
    model: str | None = None,
    adapters: "Adapters | None" = None,
    top_k: int | None = None,
    *,
    recipe: "LocateRecipe | str | Path | None" = None,
    **settings: Any,
) -> "list[Location] | LocateSummary":
    """Where pictures were taken: of a few the locations, in order; of a collection a run's summary.

        georay.locate(["street.jpg"])
        georay.locate(inputs=["photos/"], output="runs/where", model="tiny")

    Few pictures: see `Locator`, which keeps the model for more of them. A collection: a recipe, or
    its keywords, as of `georay.config.locate.LocateRecipe`; it can be stopped and goes on.
    Raises what `Locator.from_pretrained` raises, and ValueError for a setting that is wrong.
    """
    if pictures is None:
        return _locate_collection(recipe, settings, model, adapters, top_k)
    if settings or recipe is not None:
        named = ", ".join(settings) or "recipe"
        raise ValueError(f"{named}: of a collection; give its `inputs` and `output`, no pictures")
    from georay.models.locator import Locator

    locator = Locator.from_pretrained(model or "tiny", adapters or "packaged")
    return locator.locate(pictures, 5 if top_k is None else top_k)


def _locate_collection(
    recipe: "LocateRecipe | str | Path | None",
    settings: dict[str, Any],
    model: str | None,
    adapters: "Adapters | None",
    top_k: int | None,
) -> "LocateSummary":
    from georay.config.locate import LocateRecipe
    from georay.flow.collection import locate_collection

    if model is not None:
        settings["model"] = model
    if adapters is not None and adapters != "packaged":
        settings["adapters"] = str(adapters)
    if top_k is not None:
        settings["answering"] = {**settings.get("answering", {}), "top_k": top_k}
    return locate_collection(laid_over(recipe, LocateRecipe, settings))
