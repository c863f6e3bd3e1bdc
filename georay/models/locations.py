"""The answer about a photograph: a place, its alternatives, timings and usage."""

from dataclasses import asdict, dataclass
from typing import Literal

Sureness = Literal["sure", "unsure", "unfamiliar"]
"""Whether to trust an answer: its confidence reaches the threshold that was chosen on validation
places, or does not; or the picture is not like those that the model knows."""

Status = Literal["answered", "refused", "unparseable", "abstained", "failed"]


@dataclass(frozen=True, slots=True)
class TownCandidate:
    """A town of a candidate country. `probability`: of country and town together."""

    city: str
    latitude: float
    longitude: float
    probability: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A country that the picture may show, with its likeliest towns."""

    country: str
    country_name: str
    probability: float
    towns: tuple[TownCandidate, ...]


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds of the batches that the picture was ranked and answered in."""

    rank_ms: float = 0.0
    answer_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What an endpoint's answer took; None where it did not say, or no price is known."""

    num_attempts: int
    num_prompt_tokens: int | None = None
    num_answer_tokens: int | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Location:
    """Where a photograph was taken, as far as a model can tell.

    `country` is an ISO 3166-1 alpha-2 code. `confidence` is the probability of the country, where
    the gazetteer was ranked. Latitude and longitude, in degrees, are those the model gave; else of
    the candidate town with the least expected distance to the truth (`expected_distance_km`); else,
    without ranking, the named town's centre. They may be another town than `city`.

    Status: "answered", "refused" and "unparseable" as `parse_answer` says; "abstained" where the
    confidence is below the threshold: no place is named, but the candidates are there; "failed"
    where there was no answer at all, for the reason in `error`. `sureness`: None where nothing was
    fitted for the model, and then the confidence is uncalibrated; the place of an answer that is
    not sure is the best guess. `usage`: of a remote model.
    """

    status: Status
    country: str | None = None
    country_name: str | None = None
    city: str | None = None
    reasons: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    expected_distance_km: float | None = None
    confidence: float | None = None
    sureness: Sureness | None = None
    candidates: tuple[Candidate, ...] = ()
    raw: str | None = None
    error: str | None = None
    timings: Timings = Timings()
    usage: Usage | None = None

    def to_json(self) -> dict[str, object]:
        """All fields, as JSON has them."""
        return asdict(self)
