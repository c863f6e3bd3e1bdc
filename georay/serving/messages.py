"""The messages between the ingress and the model replicas, with the pictures still encoded."""

from dataclasses import dataclass, field
from typing import Literal

from georay.models.locations import Location

AdapterChoice = Literal["reasoning", "location", "both", "none"]


@dataclass(frozen=True)
class ModelCard:
    """The model that answers. `adapters`: the choices it has besides "none". `caveat`: what to know
    before believing it."""

    id: str
    revision: str | None
    adapters: tuple[AdapterChoice, ...]
    default_adapter: AdapterChoice
    caveat: str | None = None

    def choices(self) -> tuple[AdapterChoice, ...]:
        """What a request may name as its adapter."""
        return (*self.adapters, "none")


@dataclass(frozen=True)
class LocateOptions:
    """What decides how a picture is located; pictures of equal options share a batch.

    adapter: None takes the model's default.
    """

    top_k: int = 5
    adapter: AdapterChoice | None = None
    reasons: bool = True
    constrained: bool = True


@dataclass(frozen=True)
class ChatOptions:
    """What decides how a question is answered; questions of equal options share a batch."""

    adapter: AdapterChoice | None = None
    max_new_tokens: int = 320
    temperature: float = 0.0
    top_p: float = 1.0


@dataclass(frozen=True)
class LocateJob:
    """One picture to locate; `locatability`: whether its score is measured too."""

    raw: bytes = field(repr=False)
    options: LocateOptions
    locatability: bool = True
    overlay: bool = False


@dataclass(frozen=True)
class LocatabilityJob:
    """One picture of which only the locatability is measured."""

    raw: bytes = field(repr=False)
    overlay: bool = False


@dataclass(frozen=True)
class ChatJob:
    """A question about pictures."""

    raws: tuple[bytes, ...] = field(repr=False)
    question: str = field(repr=False)
    options: ChatOptions


@dataclass(frozen=True)
class ClassShare:
    """What one class adds to a picture's locatability (equation 1); `colour` as #rrggbb."""

    label: str
    ratio: float
    weight: float
    contribution: float
    colour: str


@dataclass(frozen=True)
class Locatability:
    """A picture's locatability, its top classes, and the coloured class map as a data: URI.

    unknown_share: what the segmenter does not know; outside_segmenter where that is too much.
    """

    score: float
    classes: tuple[ClassShare, ...]
    overlay: str | None
    elapsed_ms: float
    unknown_share: float = 0.0
    outside_segmenter: bool = False


@dataclass(frozen=True)
class AnswerStats:
    """The batch that an answer came from, and what it took in milliseconds and tokens.

    first: this answer stands for the batch where batches are counted.
    """

    batch_size: int = 1
    first: bool = True
    num_tokens: int = 0
    queue_ms: float = 0.0
    decode_ms: float = 0.0
    total_ms: float = 0.0


@dataclass(frozen=True)
class LocateOutcome:
    """A location, or why the picture could not be read; exactly one of the two."""

    model: ModelCard
    location: Location | None = None
    unreadable: str | None = None
    locatability: Locatability | None = None
    stats: AnswerStats = AnswerStats()


@dataclass(frozen=True)
class LocatabilityOutcome:
    """A locatability, or why the picture could not be read; exactly one of the two."""

    locatability: Locatability | None = None
    unreadable: str | None = None
    decode_ms: float = 0.0


@dataclass(frozen=True)
class ChatOutcome:
    """An answer in words, or why there is none: no answer came, or a picture is broken."""

    model: ModelCard
    text: str | None = None
    error: str | None = None
    unreadable: str | None = None
    finish_reason: Literal["stop", "length"] = "stop"
    num_prompt_tokens: int = 0
    stats: AnswerStats = AnswerStats()


@dataclass(frozen=True)
class StreamPart:
    """One part of a streamed answer: the place first, then reasons, then the whole outcome."""

    kind: Literal["place", "reasons", "done"]
    text: str = ""
    outcome: LocateOutcome | None = None
