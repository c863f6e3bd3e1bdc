"""The recipe of a table of predictions: which model answers about which pictures, and how."""

from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, field_validator

from georay.config.cluster import ClusterRecipe
from georay.config.load import LocalPath, Recipe


class AnsweringRecipe(Recipe):
    """How the model answers; always greedily.

    By default as in the paper's experiments: it writes freely, so some answers name no place, and
    no country is ranked. constrained: valid answers only, so nothing is told of the recall.
    top_k: countries to rank as candidates; it takes many times longer than writing alone.
    batch_size: pictures answered at once.
    """

    prompt: Literal["inference", "reasoning", "location"] = "inference"
    constrained: bool = False
    top_k: NonNegativeInt = 0
    max_new_tokens: PositiveInt = 320
    batch_size: PositiveInt = 8


class PredictWorkersRecipe(Recipe):
    """How answering is spread over a Ray cluster: so many processes, each with the whole model.

    cpus_per_worker, gpus_per_worker: slots of Ray that each takes.
    """

    num_workers: PositiveInt = 1
    cpus_per_worker: PositiveFloat = 0.5
    gpus_per_worker: float = Field(default=0, ge=0)


class PredictRecipe(Recipe):
    """One model's answers about the held-out pictures of a set of samples.

    samples: Parquet files or folders of schema SAMPLES. split, stage: whose pictures. max_images:
    at most so many of them, always the same for the same pictures.
    model: a registered id, a folder, or a hub id with its revision; also the folder that
    `georay baseline` made, of whose `answering` only top_k and batch_size say anything.
    adapters: the folder that a training run left them in; active_adapters: which of them act, by
    default all.
    max_pixels: the most that it sees of a picture, for a model that takes any size: as in training.
    device, precision: by default what suits this machine.
    output: the Parquet file of predictions; a JSON file beside it says how they came about.
    shard_size: pictures between two savings; a run that was ended goes on behind the last.
    workers: by default this process answers, without Ray.
    """

    samples: tuple[LocalPath, ...] = Field(min_length=1)
    output: LocalPath
    model: str
    revision: str | None = None
    max_pixels: PositiveInt | None = None
    adapters: str | None = None
    active_adapters: tuple[Literal["reasoning", "location"], ...] = ()
    device: str | None = None
    precision: Literal["float32", "bfloat16", "float16"] | None = None
    split: Literal["train", "validation", "test"] = "test"
    stage: Literal["reasoning", "location"] = "location"
    max_images: PositiveInt | None = None
    answering: AnsweringRecipe = AnsweringRecipe()
    shard_size: PositiveInt = 64
    workers: PredictWorkersRecipe | None = None
    cluster: ClusterRecipe = ClusterRecipe()

    @field_validator("model")
    @classmethod
    def _at_home(cls, model: str) -> str:
        return str(Path(model).expanduser()) if model.startswith("~") else model

    @field_validator("output")
    @classmethod
    def _is_parquet(cls, output: str) -> str:
        if Path(output).suffix != ".parquet":
            raise ValueError(f"predictions are a Parquet file: {output!r} should end in .parquet")
        return output
