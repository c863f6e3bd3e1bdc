"""The recipe of locating a collection: which pictures, which model, and what is left out before."""

from typing import Literal

from pydantic import Field

from georay.config.curate import SegmenterRecipe, WeightsRecipe
from georay.config.load import Location, Recipe
from georay.config.predict import AskedRecipe, PredictWorkersRecipe

OtherFormat = Literal["csv", "geojson"]


class MeasuringRecipe(Recipe):
    """Locatability of each picture, measured before a model is asked (paper, section 3.1).

    least: below it a picture gives little away. below: such a picture is not asked about ("skip"),
    or asked about and marked ("flag"). workers: that measure; a segmenter is small beside a model.
    """

    segmenter: SegmenterRecipe = SegmenterRecipe()
    weights: WeightsRecipe = WeightsRecipe()
    least: float = Field(default=0.0, ge=0, le=1)
    below: Literal["skip", "flag"] = "skip"
    workers: PredictWorkersRecipe = PredictWorkersRecipe(cpus_per_worker=0.25)


class LocateRecipe(AskedRecipe):
    """Where the pictures of a collection were taken: one row for each.

    inputs: folders, patterns, lists (.csv, .parquet) or single files, as in a curation recipe.
    output: the folder of the run. title: heads the report. formats: what is written beside
    Parquet. locatability: null leaves it unmeasured. retry_failed: ask again about pictures that
    failed in an earlier run of the same folder.
    workers: null answers in this process, without Ray.
    """

    inputs: tuple[str, ...] = Field(min_length=1)
    output: Location
    title: str = ""
    model: str = "tiny"
    locatability: MeasuringRecipe | None = MeasuringRecipe()
    formats: tuple[OtherFormat, ...] = ()
    retry_failed: bool = False
    shard_size: int = Field(default=32, ge=1)
    workers: PredictWorkersRecipe | None = PredictWorkersRecipe()
