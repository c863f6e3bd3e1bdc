"""Country, town and place of every picture, from its own list and from the clues about it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache

from georay.config.samples import SplitRecipe
from georay.core.gazetteer import Gazetteer, Place
from georay.core.picture_files import file_id
from georay.core.splits import Spot, Unusable, place_of
from georay.curation.samples.pictures import Picture, PictureIndex

Clue = Mapping[str, str | None]
_CHOSEN_BY_US = frozenset({"class", "clip"})
"""Pairs that `georay clues` made by country alone: such a clue tells nothing of its picture."""


class Whereabouts:
    """What is true of where a picture was taken.

    Its own list counts; a country or a town that it lacks is taken from the clues about it where
    they agree. So a picture has one place, and is in one split, however many clues it has.
    """

    def __init__(
        self, index: PictureIndex, clues: Iterable[Clue], splits: SplitRecipe, gazetteer: Gazetteer
    ) -> None:
        self._splits = splits
        self._code = cache(gazetteer.country)
        self._resolve = cache(gazetteer.resolve)
        self._told_countries: defaultdict[str, set[str]] = defaultdict(set)
        self._told_towns: defaultdict[str, set[Place]] = defaultdict(set)
        for clue in clues:
            self._hear(index, clue)

    def country(self, picture: Picture) -> str:
        """Alpha-2 code of the picture's country; raises Unusable if it has none, or several."""
        if picture.country:
            return self.code_of(picture.country)
        told = self._told_countries.get(picture.image_id, set())
        if len(told) > 1:
            names = ", ".join(sorted(told))
            raise Unusable("countries disagree", f"the clues about this picture name {names}")
        if not told:
            raise Unusable("no country", "neither the picture's list nor a clue names a country")
        return next(iter(told))

    def town(self, picture: Picture) -> Place:
        """The picture's town as the gazetteer has it; raises Unusable if it has none."""
        if picture.city:
            country = self.country(picture)
            if (town := self._resolve(picture.city, country)) is None:
                raise Unusable(
                    "unknown town", f"the gazetteer has no {picture.city!r} in {country}"
                )
            return town
        told = self._told_towns.get(picture.image_id, set())
        if len(told) != 1:
            raise Unusable("no town", "neither the picture's list nor its clues name one town")
        return next(iter(told))

    def place(self, picture: Picture) -> str:
        """The place that the picture is split by; raises Unusable as `place_of` does."""
        try:
            town: Place | None = self.town(picture)
        except Unusable:
            town = None
        # All views of a panorama show one place.
        spot = Spot(file_id(picture.image_id), town, picture.latitude, picture.longitude)
        return place_of(spot, self._splits)

    def code_of(self, country: str) -> str:
        """Alpha-2 code of a country as written; raises Unusable if there is no such country."""
        if (code := self._code(country)) is None:
            raise Unusable("unknown country", f"{country!r} is no country that the gazetteer has")
        return code

    def _hear(self, index: PictureIndex, clue: Clue) -> None:
        country, name = clue["country"], clue["image_id"]
        code = self._code(country) if country else None
        if code is None or name is None or clue.get("pairing") in _CHOSEN_BY_US:
            return
        try:
            image_id = index.find(name).image_id
        except Unusable:
            return
        self._told_countries[image_id].add(code)
        if clue["city"] and (town := self._resolve(clue["city"], code)):
            self._told_towns[image_id].add(town)
