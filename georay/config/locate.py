"""The recipe of locating a collection: which pictures, which model, and what is left out before."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, NonNegativeInt, model_validator

from georay.config.curate import SegmenterRecipe, WeightsRecipe
from georay.config.load import LocalPath, Recipe
from georay.config.predict import AnsweringRecipe, AskedRecipe, PredictWorkersRecipe

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


class LocateAnsweringRecipe(AnsweringRecipe):
    """How the model answers about a collection: valid answers only, with ranked countries.

    constrained, top_k: of a remote model, which can do neither, off unless they are given.
    """

    constrained: bool = True
    top_k: NonNegativeInt = 5


class LocateRecipe(AskedRecipe):
    """Where the pictures of a collection were taken: one row for each.

    inputs: folders, patterns, lists (.csv, .parquet) or single files, as in a curation recipe.
    output: the folder of the run. title: heads the report. formats: what is written beside
    Parquet. locatability: null leaves it unmeasured. retry_failed: ask again about pictures that
    failed in an earlier run of the same folder.
    workers: null answers in this process, without Ray.
    """

    inputs: tuple[str, ...] = Field(min_length=1)
    output: LocalPath
    title: str = ""
    model: str = "tiny"
    answering: LocateAnsweringRecipe = LocateAnsweringRecipe()
    locatability: MeasuringRecipe | None = MeasuringRecipe()
    formats: tuple[OtherFormat, ...] = ()
    retry_failed: bool = False
    shard_size: int = Field(default=32, ge=1)
    workers: PredictWorkersRecipe | None = PredictWorkersRecipe()

    @model_validator(mode="before")
    @classmethod
    def _a_remote_model_writes_freely(cls, content: Any) -> Any:
        """Unless the recipe says how: it cannot be constrained or ranked, as models here are."""
        if isinstance(content, Mapping) and content.get("endpoint"):
            free = AnsweringRecipe().model_dump(include={"constrained", "top_k"})
            return {**content, "answering": free | dict(content.get("answering") or {})}
        return content
