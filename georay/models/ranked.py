"""Turns a ranking into calibrated probabilities, candidates and the best town."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from georay.core.gazetteer import Gazetteer, Place
from georay.models.decoding.calibration import Calibration
from georay.models.decoding.placing import Placing, least_expected_distance
from georay.models.decoding.ranking import Ranking
from georay.models.locations import Candidate, TownCandidate


@dataclass(frozen=True)
class Ranked:
    """What the ranking says of one picture; `probability` of every country, calibrated.

    elapsed_ms: of the whole batch that was ranked together.
    """

    probability: Mapping[str, float]
    candidates: tuple[Candidate, ...]
    placing: Placing | None
    elapsed_ms: float = 0.0


def ranked_from(
    ranking: Ranking, calibration: Calibration | None, top_k: int, gazetteer: Gazetteer
) -> Ranked:
    """The `top_k` likeliest countries with their towns."""
    scores = ranking.log_probabilities
    if calibration is not None:
        scores = calibration.applied(scores)
    probability = dict(zip(ranking.codes, np.exp(scores).tolist(), strict=True))
    candidates = _candidates(ranking, probability, ranking.best(top_k), gazetteer)
    return Ranked(probability, candidates, _placing(ranking, probability))


def _candidates(
    ranking: Ranking, probability: Mapping[str, float], codes: Sequence[str], gazetteer: Gazetteer
) -> tuple[Candidate, ...]:
    found = []
    for code in codes:
        towns = tuple(
            TownCandidate(
                town.place.name,
                town.place.latitude,
                town.place.longitude,
                probability[code] * town.probability,
            )
            for town in ranking.towns.get(code, ())
        )
        found.append(Candidate(code, gazetteer.country_name(code), probability[code], towns))
    return tuple(found)


def _placing(ranking: Ranking, probability: Mapping[str, float]) -> Placing | None:
    """The best single town; each country's probability is shared out among its towns found."""
    places: list[Place] = []
    weights: list[float] = []
    for code, towns in ranking.towns.items():
        total = sum(town.probability for town in towns)
        if total > 0:
            places += [town.place for town in towns]
            weights += [probability[code] * town.probability / total for town in towns]
    return least_expected_distance(places, weights) if sum(weights) > 0 else None
