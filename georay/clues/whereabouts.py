"""Finds the country and town that a sentence is about, from what its source says."""

from dataclasses import dataclass
from functools import lru_cache

from georay.clues.sources import Sentence
from georay.core.gazetteer import Gazetteer
from georay.core.geo import distance_km

FARTHEST_TOWN_KM = 50.0
_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class About:
    """country: alpha-2 code, and in `country_from` what says so ("source" or "coordinates").

    unknown: the source's word for its country, where the gazetteer has no such country.
    """

    country: str | None = None
    country_from: str | None = None
    city: str | None = None
    unknown: str | None = None


class Whereabouts:
    """Reads countries as sources write them, and towns off coordinates."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer
        self._code = lru_cache(_KNOWN)(gazetteer.country)

    def of(self, sentence: Sentence) -> About:
        """The source's word comes first; coordinates fill in what it does not say.

        A town is read off coordinates within FARTHEST_TOWN_KM of its centre, and only if it lies
        in the country that the source names.
        """
        named = self._code(sentence.country) if sentence.country else None
        unknown = sentence.country if sentence.country and named is None else None
        if sentence.latitude is None or sentence.longitude is None:
            return About(named, "source" if named else None, sentence.city, unknown)
        town = self._gazetteer.nearest(sentence.latitude, sentence.longitude)
        country = named or town.country
        here, there = (sentence.latitude, sentence.longitude), (town.latitude, town.longitude)
        is_near = float(distance_km(*here, *there)) <= FARTHEST_TOWN_KM
        city = sentence.city or (town.name if is_near and town.country == country else None)
        return About(country, "source" if named else "coordinates", city, unknown)
