"""From probabilities to locations: of points on the Earth, or of countries and their towns."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from georay.core.gazetteer import Gazetteer, Place
from georay.evaluation.datasets import KnownPicture
from georay.models.locations import Candidate, Location, TownCandidate

_TOWNS_PER_COUNTRY = 5
_SMALLEST = 1e-6  # candidates below it are not told

Floats = NDArray[np.float64]


def town_of(picture: KnownPicture) -> Place:
    """Its own town, if the gazetteer knows it, else the one nearest to its coordinates."""
    gazetteer = Gazetteer.load()
    named = gazetteer.resolve(picture.city, picture.country)
    if named is not None:
        return named
    assert picture.latitude is not None and picture.longitude is not None, "it is placed"
    return gazetteer.nearest(picture.latitude, picture.longitude)


def towns_to_json(towns: Sequence[Place]) -> list[dict[str, Any]]:
    """Towns, as JSON has them."""
    return [asdict(town) for town in towns]


def towns_from_json(content: Sequence[dict[str, Any]]) -> list[Place]:
    """What `towns_to_json` wrote."""
    return [Place(**town) for town in content]


class Spots:
    """Points of which one is the answer, each with its town.

    The town nearest to a point is often a district of the one that people name: where training
    pictures say which town it is, that is taken.
    """

    def __init__(
        self, latitude: Floats, longitude: Floats, towns: Sequence[Place] | None = None
    ) -> None:
        """towns: by default those nearest to the points."""
        self.latitude, self.longitude = latitude, longitude
        if towns is None:
            points = zip(latitude.tolist(), longitude.tolist(), strict=True)
            towns = [Gazetteer.load().nearest(*point) for point in points]
        self.towns = list(towns)

    def location(self, probability: Floats, top_k: int) -> Location:
        """The likeliest point, with its town; candidates sum the points of each country.

        probability: [points], sums to 1.
        """
        best = int(probability.argmax())
        countries, towns = self._summed(probability)
        town = self.towns[best]
        return Location(
            "answered",
            country=town.country,
            country_name=Gazetteer.load().country_name(town.country),
            city=town.name,
            latitude=float(self.latitude[best]),
            longitude=float(self.longitude[best]),
            confidence=countries[town.country],
            candidates=_candidates(countries, towns, top_k),
        )

    def _summed(
        self, probability: Floats
    ) -> tuple[dict[str, float], dict[str, list[tuple[Place, float]]]]:
        countries: dict[str, float] = defaultdict(float)
        of_town: dict[Place, float] = defaultdict(float)
        for index in np.flatnonzero(probability >= _SMALLEST).tolist():
            town, share = self.towns[index], float(probability[index])
            countries[town.country] += share
            of_town[town] += share
        towns: dict[str, list[tuple[Place, float]]] = defaultdict(list)
        for town, share in of_town.items():
            towns[town.country].append((town, share))
        return countries, towns


def named_location(
    countries: Mapping[str, float],
    towns: Mapping[str, Sequence[tuple[Place, float]]],
    top_k: int,
) -> Location:
    """The likeliest country, and the likeliest of its towns, whose centre is the place.

    countries: probabilities by alpha-2 code. towns: of a country, each with the probability of
    country and town together; of the likeliest country, none where no town is known.
    """
    country = max(countries, key=lambda code: countries[code])
    town = max(towns.get(country, ()), key=lambda pair: pair[1], default=(None, 0.0))[0]
    return Location(
        "answered",
        country=country,
        country_name=Gazetteer.load().country_name(country),
        city=town.name if town else None,
        latitude=town.latitude if town else None,
        longitude=town.longitude if town else None,
        confidence=countries[country],
        candidates=_candidates(countries, towns, top_k),
    )


def _candidates(
    countries: Mapping[str, float],
    towns: Mapping[str, Sequence[tuple[Place, float]]],
    top_k: int,
) -> tuple[Candidate, ...]:
    gazetteer = Gazetteer.load()
    best = sorted(countries, key=lambda code: (-countries[code], code))[:top_k]
    return tuple(
        Candidate(
            code,
            gazetteer.country_name(code),
            countries[code],
            tuple(
                TownCandidate(town.name, town.latitude, town.longitude, share)
                for town, share in sorted(towns.get(code, ()), key=lambda pair: -pair[1])[
                    :_TOWNS_PER_COUNTRY
                ]
            ),
        )
        for code in best
    )
