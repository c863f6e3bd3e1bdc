"""Recipes of answers: which model is asked about which pictures, and how."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from georay.config.cluster import ClusterRecipe
from georay.config.load import Location, Recipe
from georay.core.paths import path_of

FEWEST_NEW_TOKENS = 128
"""Of an answer that is constrained: it is sure to end within them."""


class AnsweringRecipe(Recipe):
    """How the model answers; always greedily.

    By default the gazetteer's places are ranked and the answer is the likeliest of them, so that
    its town lies in its country. constrained: false and top_k: 0 are the paper's way: the model
    writes freely, some answers name no place, some a town of another country, and nobody says how
    sure they are. A remote model knows no other, so of one they are the defaults.
    constrained: valid answers only, so nothing is told of the recall. top_k: countries to rank as
    candidates; it takes longer than writing alone. max_new_tokens: at least 128 of constrained
    answers. batch_size: pictures answered at once.
    """

    prompt: Literal["inference", "reasoning", "location"] = "inference"
    constrained: bool = True
    top_k: NonNegativeInt = 5
    max_new_tokens: PositiveInt = 320
    batch_size: PositiveInt = 8

    @model_validator(mode="after")
    def _a_constrained_answer_can_end(self) -> Self:
        if self.constrained and self.max_new_tokens < FEWEST_NEW_TOKENS:
            raise ValueError(
                f"a constrained answer needs max_new_tokens of {FEWEST_NEW_TOKENS} or more to be "
                f"sure to end, got {self.max_new_tokens}; constrained: false writes freely"
            )
        return self


FREE = {"constrained": False, "top_k": 0}
"""Settings of the paper's way to answer."""


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

    @model_validator(mode="before")
    @classmethod
    def _a_remote_model_writes_freely(cls, content: Any) -> Any:
        """Unless the recipe says how: it cannot be constrained or ranked, as models here are."""
        if isinstance(content, Mapping) and content.get("endpoint"):
            return {**content, "answering": FREE | dict(content.get("answering") or {})}
        return content

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

    def freely(self) -> Self:
        """The recipe, with answers written as in the paper's experiments."""
        return self.model_copy(update={"answering": self.answering.model_copy(update=FREE)})

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
    output: Location
    split: Literal["train", "validation", "test"] = "test"
    stage: Literal["reasoning", "location"] = "location"
    max_images: PositiveInt | None = None

    @field_validator("output")
    @classmethod
    def _is_parquet(cls, output: str) -> str:
        if path_of(output).suffix != ".parquet":
            raise ValueError(f"predictions are a Parquet file: {output!r} should end in .parquet")
        return output
