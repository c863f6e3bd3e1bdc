"""From a replica's outcomes to what the server says."""

from functools import lru_cache

from georay.core.gazetteer import Gazetteer, Place
from georay.models.decoding.placing import least_expected_distance
from georay.models.locations import Candidate, Location
from georay.serving.jobs import Clues, CluesOutcome, LocateOutcome, ModelCard, Share
from georay.serving.schemas import (
    FEW_CLUES,
    CandidateShown,
    ClassShown,
    CluesResult,
    LocatabilityShown,
    ModelShown,
    Result,
    TimingsShown,
    TownShown,
)

_LARGEST_TOWNS = 50  # that stand for all the rest of a country
_LONGEST_NAME = 200


def shown_name(filename: str | None) -> str:
    """A file's name as it came, without its folders and without an end."""
    return (filename or "picture").replace("\\", "/").rpartition("/")[2][:_LONGEST_NAME]


def model_of(card: ModelCard) -> ModelShown:
    """The model that answered."""
    return ModelShown(id=card.id, revision=card.revision, adapters=list(card.adapters))


def result_of(file: str, outcome: LocateOutcome, total_ms: float, threshold: float) -> Result:
    """One picture's answer. total_ms: as the ingress waited for it."""
    if outcome.location is None:
        return unreadable(file, outcome.unreadable or "")
    place, clues = outcome.location, outcome.clues
    few = clues is not None and clues.score < threshold
    return Result(
        file=file,
        status=place.status,
        country=place.country,
        country_name=place.country_name,
        city=place.city,
        latitude=place.latitude,
        longitude=place.longitude,
        confidence=place.confidence,
        expected_distance_km=place.expected_distance_km,
        reasons=place.reasons,
        error=place.error,
        warning=FEW_CLUES if few else None,
        candidates=[_candidate(one) for one in place.candidates],
        locatability=_locatability(clues, threshold),
        timings=_timings(place, clues, outcome.share, total_ms),
    )


def unreadable(file: str, problem: str) -> Result:
    """The result of a picture that could not be read."""
    return Result(file=file, status="failed", error=problem)


def clues_result(
    file: str, outcome: CluesOutcome, total_ms: float, threshold: float
) -> CluesResult:
    """One picture's locatability."""
    clues = outcome.clues
    if clues is None:
        return CluesResult(file=file, error=outcome.unreadable)
    return CluesResult(
        file=file,
        warning=FEW_CLUES if clues.score < threshold else None,
        locatability=_locatability(clues, threshold),
        timings=TimingsShown(
            decode_ms=outcome.decode_ms, locatability_ms=clues.elapsed_ms, total_ms=total_ms
        ),
    )


def _locatability(clues: Clues | None, threshold: float) -> LocatabilityShown | None:
    if clues is None:
        return None
    classes = [ClassShown(**vars(one)) for one in clues.classes]
    return LocatabilityShown(
        score=clues.score,
        threshold=threshold,
        classes=classes,
        overlay=clues.overlay,
        unknown_share=clues.unknown_share,
        outside_segmenter=clues.outside_segmenter,
    )


def _timings(place: Location, clues: Clues | None, share: Share, total_ms: float) -> TimingsShown:
    outside = max(0.0, total_ms - share.total_ms)  # on the way, and waiting for a replica
    return TimingsShown(
        queue_ms=share.queue_ms + outside,
        decode_ms=share.decode_ms,
        locatability_ms=clues.elapsed_ms if clues else 0.0,
        rank_ms=place.timings.rank_ms,
        answer_ms=place.timings.answer_ms,
        total_ms=total_ms,
    )


def _candidate(one: Candidate) -> CandidateShown:
    towns = [
        TownShown(
            city=town.city,
            latitude=town.latitude,
            longitude=town.longitude,
            probability=town.probability,
        )
        for town in one.towns
    ]
    latitude, longitude, radius_km = _area(one)
    return CandidateShown(
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
