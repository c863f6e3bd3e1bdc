"""Recipes of answers: which model is asked about which pictures, and how."""

from pathlib import Path
from typing import Literal, Self

from pydantic import (
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from georay.config.cluster import ClusterRecipe
from georay.config.load import LocalPath, Location, Recipe


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


class EndpointRecipe(Recipe):
    """An OpenAI-compatible endpoint that answers; the recipe's `model` is its name there.

    key_variable: the environment variable that holds the key, which no recipe holds; without a
    name no key is sent. price_prompt, price_answer: per million tokens, in any one currency; unless
    both are there no cost is told. The rest: see `models.families.remote.RemoteSettings`.
    """

    base_url: str
    key_variable: str | None = None
    max_concurrency: PositiveInt = 8
    max_attempts: PositiveInt = 5
    timeout_s: PositiveFloat = 120.0
    longest_side: int = Field(default=2048, ge=28)
    token_limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    sends_sampling: bool = True
    price_prompt: float | None = Field(default=None, ge=0)
    price_answer: float | None = Field(default=None, ge=0)


class PredictWorkersRecipe(Recipe):
    """How answering is spread over a Ray cluster: so many processes, each with the whole model.

    cpus_per_worker, gpus_per_worker: slots of Ray that each takes.
    """

    num_workers: PositiveInt = 1
    cpus_per_worker: PositiveFloat = 0.5
    gpus_per_worker: float = Field(default=0, ge=0)


class AskedRecipe(Recipe):
    """A model that is asked about pictures, and how.

    model: a registered id, a folder, or a hub id with its revision; also the folder that
    `georay baseline` made, of whose `answering` only top_k and batch_size say anything.
    endpoint: where `model` is asked instead of here; nothing of it can be ranked or constrained.
    adapters: the folder that a training run left them in; "none" asks the bare model; by default
    those that the package carries for the model, if any. active_adapters: which of them act, by
    default all.
    max_pixels: the most that it sees of a picture, for a model that takes any size: as in training.
    device, precision: by default what suits this machine.
    shard_size: pictures between two savings; a run that was ended goes on behind the last.
    """

    model: str
    revision: str | None = None
    endpoint: EndpointRecipe | None = None
    max_pixels: PositiveInt | None = None
    adapters: str | None = None
    active_adapters: tuple[Literal["reasoning", "location"], ...] = ()
    device: str | None = None
    precision: Literal["float32", "bfloat16", "float16"] | None = None
    answering: AnsweringRecipe = AnsweringRecipe()
    shard_size: PositiveInt = 64
    workers: PredictWorkersRecipe | None = None
    cluster: ClusterRecipe = ClusterRecipe()

    @model_validator(mode="after")
    def _a_remote_model_is_only_asked(self) -> Self:
        if self.endpoint is None:
            return self
        local = ("revision", "adapters", "device", "precision", "max_pixels")
        if given := [name for name in local if getattr(self, name) is not None]:
            raise ValueError(
                f"{', '.join(given)}: of a model that is here; leave it out beside `endpoint`"
            )
        if self.answering.constrained or self.answering.top_k:
            raise ValueError("a remote model is neither constrained nor ranked: set top_k to 0")
        return self

    @field_validator("model")
    @classmethod
    def _at_home(cls, model: str) -> str:
        return str(Path(model).expanduser()) if model.startswith("~") else model


class PredictRecipe(AskedRecipe):
    """One model's answers about the held-out pictures of a set of samples.

    samples: Parquet files or folders of schema SAMPLES. split, stage: whose pictures. max_images:
    at most so many of them, always the same for the same pictures.
    output: the Parquet file of predictions; a JSON file beside it says how they came about.
    workers: by default this process answers, without Ray.
    """

    samples: tuple[Location, ...] = Field(min_length=1)
    output: LocalPath
    split: Literal["train", "validation", "test"] = "test"
    stage: Literal["reasoning", "location"] = "location"
    max_images: PositiveInt | None = None

    @field_validator("output")
    @classmethod
    def _is_parquet(cls, output: str) -> str:
        if Path(output).suffix != ".parquet":
            raise ValueError(f"predictions are a Parquet file: {output!r} should end in .parquet")
        return output
