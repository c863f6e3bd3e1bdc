"""The recipe of a server: which model answers, what it refuses, and how it grows."""

from ipaddress import ip_address
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator

from georay.config.cluster import ClusterRecipe
from georay.config.curate import SegmenterRecipe
from georay.config.load import Location, Recipe
from georay.core.images import ImageLimits

LOOPBACK = "127.0.0.1"


class RemoteRecipe(Recipe):
    """An OpenAI-compatible endpoint that answers instead of a model in the replicas.

    key_variable: the environment variable that holds the endpoint's key; never the key itself.
    engine: "vllm" also constrains answers, ranks countries and streams, as a model here does; of
    another endpoint only what it writes freely can be asked. adapters: the names that the vLLM
    server gave to LoRA adapters: to each trained stage, and as "both" to the two as one (see
    `models.saved_adapters.join_saved`). picture_format: "png" sends every pixel, "jpeg" far fewer
    bytes.
    """

    base_url: str
    model: str
    engine: Literal["chat", "vllm"] = "chat"
    adapters: dict[Literal["reasoning", "location", "both"], str] = Field(default_factory=dict)
    key_variable: str | None = None
    max_concurrency: PositiveInt = 8
    max_attempts: PositiveInt = 2
    timeout_s: PositiveFloat = 45.0
    longest_side: int = Field(default=2048, ge=28)
    picture_format: Literal["jpeg", "png"] = "jpeg"
    token_limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    sends_sampling: bool = True

    @model_validator(mode="after")
    def _adapters_have_an_engine(self) -> Self:
        if self.adapters and self.engine != "vllm":
            raise ValueError("adapters are asked by name of vLLM only: add engine: vllm")
        return self


class AnswersRecipe(Recipe):
    """How the model answers; see `models.answering.LocatorSettings`.

    max_new_tokens: also the most that a chat completion may ask for.
    """

    max_new_tokens: int = Field(default=320, ge=128)
    towns_per_country: PositiveInt = 5
    abstain_below: float = Field(default=0.0, ge=0, le=1)


class LocatabilityRecipe(Recipe):
    """How locatability is measured in the replica (paper, section 3.1).

    weights: "published" or a weights.json. threshold: below it an answer carries a warning.
    """

    segmenter: SegmenterRecipe = SegmenterRecipe()
    weights: str = "published"
    threshold: float = Field(default=0.4, ge=0, le=1)


class RequestLimitsRecipe(Recipe):
    """What a request may be, before anything of it is parsed or decoded.

    max_body_bytes, max_pixels: by default one picture as large as any other verb takes, which
    telephones' 200 million pixels are within; JPEGs are decoded at a reduced scale.
    max_queued: pictures that wait for a replica; beyond them the answer is 429 at once.
    timeout_s: from the first byte of a request to its answer, the upload included.
    keys_variable: the environment variable that holds the API keys, separated by spaces; without
    it the server is open to whoever reaches its port. requests_per_minute, burst: of each key.
    """

    max_body_bytes: PositiveInt = ImageLimits.max_bytes
    max_pixels: PositiveInt = ImageLimits.max_pixels
    max_images: PositiveInt = 16
    max_queued: PositiveInt = 64
    timeout_s: PositiveFloat = 60.0
    keys_variable: str | None = None
    requests_per_minute: PositiveFloat = 120.0
    burst: PositiveInt = 30


class BatchingRecipe(Recipe):
    """How pictures share one pass of the model.

    A batch holds at most max_batch_size pictures, and fewer where they are large: padded to its
    longest, it has at most max_batch_tokens. A replica is given four times a batch: while one is
    answered the next are decoded already, and are there in full when their turn comes.
    """

    max_batch_size: PositiveInt = 16
    max_batch_tokens: PositiveInt = 32_768
    wait_s: float = Field(default=0.02, ge=0)

    @property
    def max_ongoing_requests(self) -> int:
        return 4 * self.max_batch_size


class ReplicasRecipe(Recipe):
    """How many replicas answer and what each may use.

    min 0 lets an idle server release its model; the first request then waits for it to load.
    look_back_period_s must exceed the 10 s at which Ray Serve counts. drain_s: what a replica that
    leaves may still take to answer.
    """

    min: int = Field(default=1, ge=0)
    max: PositiveInt = 1
    target_ongoing_requests: PositiveFloat | None = None
    num_cpus: float = Field(default=1.0, ge=0)
    num_gpus: float = Field(default=0.0, ge=0)
    accelerator_type: str | None = None
    upscale_delay_s: float = Field(default=5.0, ge=0)
    downscale_delay_s: float = Field(default=120.0, ge=0)
    look_back_period_s: float = Field(default=20.0, gt=10)
    health_period_s: PositiveFloat = 5.0
    health_timeout_s: PositiveFloat = 60.0
    drain_s: PositiveFloat = 70.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max < self.min:
            raise ValueError(f"max ({self.max}) must be at least min ({self.min})")
        return self


def _without_brackets(host: str) -> str:
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


class HttpRecipe(Recipe):
    """Where `georay serve` listens. On a cluster the Serve file's http_options say it.

    host: a name or an address; of IPv6 with or without brackets.
    """

    host: Annotated[str, AfterValidator(_without_brackets)] = LOOPBACK
    port: int = Field(default=8000, ge=1, le=65535)

    @property
    def url(self) -> str:
        """The address as a browser takes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"

    @property
    def is_private(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class ServeRecipe(Recipe):
    """One server. Without any configuration it serves the tiny model on this machine.

    model: an id of `georay models`, a folder that holds weights, or a hub id with its revision.
    adapters: the folder of the trained adapters, or "none"; by default those that the package
    carries for the model. remote: asks an endpoint instead of a model.
    """

    model: str = "tiny"
    revision: str | None = None
    adapters: Location | None = None
    device: str | None = None
    precision: Literal["float32", "bfloat16", "float16"] | None = None
    remote: RemoteRecipe | None = None
    answers: AnswersRecipe = AnswersRecipe()
    locatability: LocatabilityRecipe = LocatabilityRecipe()
    limits: RequestLimitsRecipe = RequestLimitsRecipe()
    batching: BatchingRecipe = BatchingRecipe()
    replicas: ReplicasRecipe = ReplicasRecipe()
    http: HttpRecipe = HttpRecipe()
    cluster: ClusterRecipe = ClusterRecipe()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.remote is not None and self.adapters:
            raise ValueError(
                "a remote model takes no adapters from here: remove adapters, or remote; of vLLM "
                "name them in remote.adapters"
            )
        if self.remote is not None and self.remote.engine == "chat" and self.answers.abstain_below:
            raise ValueError(
                "a remote model that is no vLLM cannot be ranked, so it never abstains: remove "
                "answers.abstain_below, or remote"
            )
        if self.limits.max_images > self.limits.max_queued:
            raise ValueError(
                f"limits.max_images ({self.limits.max_images}) must not exceed limits.max_queued "
                f"({self.limits.max_queued}): a full request would never be accepted"
            )
        if self.replicas.drain_s < self.limits.timeout_s:
            raise ValueError(
                f"replicas.drain_s ({self.replicas.drain_s:g}) must be at least limits.timeout_s "
                f"({self.limits.timeout_s:g}), or a leaving replica drops what it accepted"
            )
        return self
