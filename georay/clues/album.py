"""The pictures that clues may be paired with: of every country and class the fullest ones."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from georay.config.clues import PairingRecipe
from georay.core.gazetteer import Gazetteer
from georay.core.paths import files_in, open_parquet, path_of
from georay.core.run_folder import read_facts
from georay.core.splits import Spot, Unusable, fraction, place_of, split_of
from georay.locatability.labels import NUM_LABELS

_COLUMNS = [
    *("image_id", "uri", "country", "city", "latitude", "longitude", "area_ratio", "error"),
]


@dataclass(frozen=True, slots=True)
class Scored:
    """A scored picture of a training place. areas: [150] shares of its pixels."""

    image_id: str
    uri: str
    country: str
    areas: NDArray[np.float32]


@dataclass
class _Page:
    """The best pictures of a country: areas [150, n], and which picture each of them is."""

    areas: NDArray[np.float32] = field(
        default_factory=lambda: np.empty((NUM_LABELS, 0), np.float32)
    )
    ids: NDArray[np.object_] = field(default_factory=lambda: np.empty((NUM_LABELS, 0), object))
    portraits: list[tuple[float, str, str]] = field(default_factory=list)


class Album:
    """Of every country and class at most `most_pictures` pictures, the fullest first.

    Its size depends on the numbers of countries and classes, not on that of pictures. portraits:
    of each country `clip_pictures` pictures as (image id, uri), chosen by hash.
    """

    def __init__(self, pictures: Iterable[Scored], recipe: PairingRecipe) -> None:
        self._recipe = recipe
        self._pages: defaultdict[str, _Page] = defaultdict(_Page)
        waiting: defaultdict[str, list[Scored]] = defaultdict(list)
        for picture in pictures:
            waiting[picture.country].append(picture)
            if len(waiting[picture.country]) >= 256:
                self._add(self._pages[picture.country], waiting.pop(picture.country))
        for country, left in waiting.items():
            self._add(self._pages[country], left)

    def choose(self, country: str, label: int, clue_id: str) -> str | None:
        """A picture of the country in which the class is large; a hash of the clue chooses."""
        if country not in self._pages:
            return None
        page = self._pages[country]
        large = np.flatnonzero(page.areas[label] >= self._recipe.min_area)
        if not len(large):
            return None
        return str(page.ids[label, large[int(fraction("pair", clue_id) * len(large))]])

    def portraits(self) -> Iterator[tuple[str, str, str]]:
        """(country, image id, uri)."""
        for country, page in sorted(self._pages.items()):
            for _, image_id, uri in page.portraits:
                yield country, image_id, uri

    def _add(self, page: _Page, pictures: list[Scored]) -> None:
        areas = np.concatenate([page.areas, np.stack([one.areas for one in pictures], 1)], axis=1)
        new = np.array([one.image_id for one in pictures], dtype=object)
        ids = np.concatenate([page.ids, np.broadcast_to(new, (NUM_LABELS, len(new)))], axis=1)
        order = np.argsort(-areas, axis=1, kind="stable")[:, : self._recipe.most_pictures]
        page.areas = np.take_along_axis(areas, order, axis=1)
        page.ids = np.take_along_axis(ids, order, axis=1)
        drawn = [(fraction("portrait", one.image_id), one.image_id, one.uri) for one in pictures]
        page.portraits = sorted([*page.portraits, *drawn])[: self._recipe.clip_pictures]


def training_pictures(recipe: PairingRecipe, gazetteer: Gazetteer) -> Iterator[Scored]:
    """The scored pictures of a finished curation run that lie in training places.

    Raises ValueError if the folder holds no finished run.
    """
    root = path_of(recipe.curation)
    manifest = read_facts(root / "manifest.json") or {}
    if manifest.get("kind") != "curation":
        raise ValueError(f"{root} holds no finished curation run; make one with `georay curate`")
    for file in files_in(root / "scores"):
        for batch in open_parquet(file).iter_batches(batch_size=1024, columns=_COLUMNS):
            for row in batch.to_pylist():
                if (picture := _usable(row, recipe, gazetteer)) is not None:
                    yield picture


def _usable(row: dict[str, object], recipe: PairingRecipe, gazetteer: Gazetteer) -> Scored | None:
    """The picture, if it was scored, has a country, and its place is trained on."""
    country = gazetteer.country(str(row["country"])) if row["country"] else None
    if row["error"] is not None or row["area_ratio"] is None or country is None:
        return None
    town = gazetteer.resolve(str(row["city"]), country) if row["city"] else None
    image_id = str(row["image_id"])
    spot = Spot(image_id, town, row["latitude"], row["longitude"])  # type: ignore[arg-type]
    try:
        split = split_of(place_of(spot, recipe.splits), recipe.splits)
    except Unusable:
        return None
    if split != "train":
        return None
    return Scored(image_id, str(row["uri"]), country, np.array(row["area_ratio"], np.float32))
