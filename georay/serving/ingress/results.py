"""Makes the server's answers of the outcomes that replicas send."""

from functools import lru_cache

from georay.core.gazetteer import Gazetteer, Place
from georay.models.decoding.placing import least_expected_distance
from georay.models.locations import Candidate, Location
from georay.serving.ingress.schemas import (
    LOW_LOCATABILITY,
    ClassContribution,
    CountryCandidate,
    LocatabilityResult,
    LocatabilityScore,
    ModelInfo,
    Result,
    TimingsInfo,
    TownCandidate,
)
from georay.serving.messages import (
    AnswerStats,
    Locatability,
    LocatabilityOutcome,
    LocateOutcome,
    ModelCard,
)

_LARGEST_TOWNS = 50  # that stand for all the rest of a country
_LONGEST_NAME = 200


def shown_name(filename: str | None) -> str:
    """A file's name as it came, without its folders and without an end."""
    return (filename or "picture").replace("\\", "/").rpartition("/")[2][:_LONGEST_NAME]


def model_of(card: ModelCard) -> ModelInfo:
    """The model that answered."""
    return ModelInfo(
        id=card.id, revision=card.revision, adapters=list(card.adapters), caveat=card.caveat
    )


def result_of(file: str, outcome: LocateOutcome, total_ms: float, threshold: float) -> Result:
    """One picture's answer. total_ms: as the ingress waited for it."""
    if outcome.location is None:
        return unreadable(file, outcome.unreadable or "")
    place, measured = outcome.location, outcome.locatability
    is_low = measured is not None and measured.score < threshold
    return Result(
        file=file,
        status=place.status,
        country=place.country,
        country_name=place.country_name,
        city=place.city,
        latitude=place.latitude,
        longitude=place.longitude,
        confidence=place.confidence,
        sureness=place.sureness,
        expected_distance_km=place.expected_distance_km,
        reasons=place.reasons,
        error=place.error,
        warning=LOW_LOCATABILITY if is_low else None,
        candidates=[_candidate(one) for one in place.candidates],
        locatability=_locatability(measured, threshold),
        timings=_timings(place, measured, outcome.stats, total_ms),
    )


def unreadable(file: str, problem: str) -> Result:
    """The result of a picture that could not be read."""
    return Result(file=file, status="failed", error=problem)


def locatability_result(
    file: str, outcome: LocatabilityOutcome, total_ms: float, threshold: float
) -> LocatabilityResult:
    """One picture's locatability."""
    measured = outcome.locatability
    if measured is None:
        return LocatabilityResult(file=file, error=outcome.unreadable)
    return LocatabilityResult(
        file=file,
        warning=LOW_LOCATABILITY if measured.score < threshold else None,
        locatability=_locatability(measured, threshold),
        timings=TimingsInfo(
            decode_ms=outcome.decode_ms, locatability_ms=measured.elapsed_ms, total_ms=total_ms
        ),
    )


def _locatability(measured: Locatability | None, threshold: float) -> LocatabilityScore | None:
    if measured is None:
        return None
    classes = [ClassContribution(**vars(one)) for one in measured.classes]
    return LocatabilityScore(
        score=measured.score,
        threshold=threshold,
        classes=classes,
        overlay=measured.overlay,
        unknown_share=measured.unknown_share,
        outside_segmenter=measured.outside_segmenter,
    )


def _timings(
    place: Location, measured: Locatability | None, stats: AnswerStats, total_ms: float
) -> TimingsInfo:
    outside = max(0.0, total_ms - stats.total_ms)  # on the way, and waiting for a replica
    return TimingsInfo(
        queue_ms=stats.queue_ms + outside,
        decode_ms=stats.decode_ms,
        locatability_ms=measured.elapsed_ms if measured else 0.0,
        rank_ms=place.timings.rank_ms,
        answer_ms=place.timings.answer_ms,
        total_ms=total_ms,
    )


def _candidate(one: Candidate) -> CountryCandidate:
    towns = [
        TownCandidate(
            city=town.city,
            latitude=town.latitude,
            longitude=town.longitude,
            probability=town.probability,
        )
        for town in one.towns
    ]
    latitude, longitude, radius_km = _area(one)
    return CountryCandidate(
        country=one.country,
        country_name=one.country_name,
        probability=one.probability,
        latitude=latitude,
        longitude=longitude,
        radius_km=radius_km,
        towns=towns,
    )


def _area(one: Candidate) -> tuple[float, float, float] | tuple[None, None, None]:
    """The town of least expected distance if this country is right, and that distance in km.

    The probability that the listed towns leave is shared out among the country's largest.
    """
    places = [Place(t.city, one.country, t.latitude, t.longitude, 0, 0) for t in one.towns]
    total = max(one.probability, 1e-12)
    weights = [town.probability / total for town in one.towns]
    largest = _largest_towns(one.country)
    if largest:
        rest = max(0.0, 1.0 - sum(weights)) / len(largest)
        places += largest
        weights += [rest] * len(largest)
    if not places or sum(weights) <= 0:
        return None, None, None
    placing = least_expected_distance(places, weights)
    return placing.town.latitude, placing.town.longitude, placing.expected_distance_km


@lru_cache(maxsize=300)
def _largest_towns(country: str) -> tuple[Place, ...]:
    return tuple(Gazetteer.load().cities(country)[:_LARGEST_TOWNS])
