"""The bodies of requests and answers under /v1, as OpenAPI shows them."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from fastapi import UploadFile
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.datastructures import UploadFile as StarletteUploadFile

from georay.models.locations import Status, Sureness
from georay.serving.messages import AdapterChoice

LOW_LOCATABILITY = "this picture carries few clues"
MOST_CANDIDATES = 20

ErrorCode = Literal[
    "too_large",
    "unsupported_type",
    "invalid",
    "busy",
    "rate_limited",
    "unauthorised",
    "timeout",
    "unavailable",
    "not_found",
    "method_not_allowed",
    "internal",
]


class RequestBody(BaseModel):
    """Base of what a request holds. Unknown fields are refused: none can carry a prompt."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _whole_texts(cls, content: Any) -> Any:
        """Raises ValueError where any text, at any depth, cannot be written in UTF-8."""
        if not all(map(_is_whole, _texts(content))):
            raise ValueError(
                "a text holds half of a surrogate pair (half an emoji, for instance): send whole "
                "characters"
            )
        return content


def _texts(content: object) -> Iterator[str]:
    """All texts of a parsed body: keys, values and names of files."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            yield from _texts(key)
            yield from _texts(value)
    elif isinstance(content, list):
        for value in content:
            yield from _texts(value)
    elif isinstance(content, StarletteUploadFile):
        yield content.filename or ""


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class LocateForm(RequestBody):
    """Pictures and how to locate them."""

    images: list[UploadFile] = Field(min_length=1, description="JPEG, PNG or WebP files")
    top_k: int = Field(5, ge=0, le=MOST_CANDIDATES, description="countries to rank; 0 is faster")
    adapter: AdapterChoice | None = Field(
        None, description="of the model's adapters; by default all that it has"
    )
    reasons: bool = Field(True, description="write an explanation")
    constrained: bool = Field(
        True,
        description="a country of the gazetteer only; false writes freely, as in the paper",
    )
    locatability: bool = Field(True, description="measure how much each picture gives away")
    overlay: bool = Field(False, description="return the coloured class map too")


class LocatabilityForm(RequestBody):
    """Pictures whose locatability is measured."""

    images: list[UploadFile] = Field(min_length=1, description="JPEG, PNG or WebP files")
    overlay: bool = Field(False, description="return the coloured class map too")


class Answer(BaseModel):
    """Base of what the server answers."""

    model_config = ConfigDict(frozen=True)


class ModelInfo(Answer):
    """The model that answered, at its exact revision where it has one. Its caveat is what to know
    before believing it; null where there is none."""

    id: str
    revision: str | None
    adapters: list[str]
    caveat: str | None = None


class TownCandidate(Answer):
    city: str
    latitude: float
    longitude: float
    probability: float


class CountryCandidate(Answer):
    """A country. Its point is the town with the least expected distance to the truth, if the
    country is right; `radius_km` is that distance. Both are null for a country without towns."""

    country: str
    country_name: str
    probability: float
    latitude: float | None
    longitude: float | None
    radius_km: float | None
    towns: list[TownCandidate]


class ClassContribution(Answer):
    label: str
    ratio: float
    weight: float
    contribution: float
    colour: str = Field(pattern=r"^#[0-9a-f]{6}$")


class LocatabilityScore(Answer):
    """How much a picture gives away (0 to 1), and the classes that add most to it.

    unknown_share: what of the picture the segmenter does not know; where that is too much,
    outside_segmenter is true and the score says little.
    """

    score: float
    threshold: float
    unknown_share: float = 0.0
    outside_segmenter: bool = False
    classes: list[ClassContribution]
    overlay: str | None


class TimingsInfo(Answer):
    """Milliseconds. Locatability is measured beside the answer: parts may exceed the total."""

    queue_ms: float = 0.0
    decode_ms: float = 0.0
    locatability_ms: float = 0.0
    rank_ms: float = 0.0
    answer_ms: float = 0.0
    total_ms: float = 0.0


class Result(Answer):
    """One picture's answer. Abstention is an answer: no place is named, candidates are.

    sureness: "sure"; "unsure" where the confidence is below a threshold chosen on held-out places;
    "unfamiliar" where the picture is not like those that the model knows; null where nothing was
    fitted for the model: then its confidence is uncalibrated. The place of an answer that is not
    sure is the best guess.
    """

    file: str
    status: Status
    country: str | None = None
    country_name: str | None = None
    city: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    confidence: float | None = None
    sureness: Sureness | None = None
    expected_distance_km: float | None = None
    reasons: str | None = None
    error: str | None = None
    warning: str | None = None
    candidates: list[CountryCandidate] = []
    locatability: LocatabilityScore | None = None
    timings: TimingsInfo = TimingsInfo()


class LocateAnswer(Answer):
    request_id: str
    model: ModelInfo
    results: list[Result]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "request_id": "6f3c1a0b-5a1e-4a53-9f0c-2f9d6b1f7a11",
                    "model": {"id": "tiny", "revision": None, "adapters": ["reasoning"]},
                    "results": [
                        {
                            "file": "street.jpg",
                            "status": "answered",
                            "country": "CL",
                            "country_name": "Chile",
                            "city": "Santiago",
                            "latitude": -33.457,
                            "longitude": -70.648,
                            "confidence": 0.61,
                            "sureness": "sure",
                            "expected_distance_km": 412.0,
                            "reasons": "The bollards are white with a red band.",
                            "error": None,
                            "warning": None,
                            "candidates": [],
                            "locatability": None,
                            "timings": {"total_ms": 640.0},
                        }
                    ],
                }
            ]
        }
    )


class LocatabilityResult(Answer):
    """One picture's locatability, or why it could not be read."""

    file: str
    error: str | None = None
    warning: str | None = None
    locatability: LocatabilityScore | None = None
    timings: TimingsInfo = TimingsInfo()


class LocatabilityAnswer(Answer):
    request_id: str
    results: list[LocatabilityResult]


class ErrorInfo(Answer):
    code: ErrorCode
    message: str
    request_id: str


class ErrorAnswer(Answer):
    error: ErrorInfo


class ExampleScene(Answer):
    name: str
    url: str
    title: str


class ExampleScenesAnswer(Answer):
    """Drawn scenes to try; never photographs."""

    samples: list[ExampleScene]


class StateAnswer(Answer):
    status: Literal["ok", "ready"]


class ModelEntry(Answer):
    """One name that a chat completion may ask for. caveat: as in ModelInfo."""

    id: str
    caveat: str | None = None
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: Literal["georay"] = "georay"


class ModelsAnswer(Answer):
    object: Literal["list"] = "list"
    data: list[ModelEntry]
