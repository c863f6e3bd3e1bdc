"""How probable each country is, and each town of the likeliest ones, given a picture.

Every name is scored as the tokens it has in the answer itself (`{"country": "Niger", …`), on the
tree of all names above one reading of the picture; see `answer_tree`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from georay.core.gazetteer import Gazetteer, Place
from georay.core.prompts import Prompt
from georay.models.decoding.answer_tree import AnswerTree
from georay.models.decoding.calibration import Scores, tempered
from georay.models.decoding.candidates import TokenTrie, answer_ids, opening, quoted
from georay.models.decoding.search import BestFirst
from georay.models.families.base import Exchange, Family

_COUNTRIES_KEPT = 32  # whose towns' tokens stay in memory, up to 10 MB each
_MOST_NODES = 512  # grown for the towns of one country; a network that knows towns needs few


@dataclass(frozen=True, slots=True)
class RankedTown:
    """A town with its probability, given that its country is right."""

    place: Place
    probability: float


@dataclass(frozen=True)
class Ranking:
    """All countries, in the order of `Gazetteer.countries`, and the best towns of some of them.

    `log_probabilities`: their exponentials sum to 1 over the countries. `towns`: by country,
    likeliest first; probabilities of town names, so those of the towns listed sum to less than 1.
    """

    codes: tuple[str, ...]
    log_probabilities: Scores
    towns: Mapping[str, tuple[RankedTown, ...]]

    def best(self, count: int) -> list[str]:
        """Codes of the likeliest countries, likeliest first."""
        order = np.argsort(-self.log_probabilities, kind="stable")[:count]
        return [self.codes[number] for number in order]


@dataclass(frozen=True)
class _Towns:
    """The towns of one country that differ by name, and the trie of their names' tokens."""

    places: tuple[Place, ...]
    trie: TokenTrie


class PlaceRanker:
    """Ranks the gazetteer's places with one family's network, for answers to one prompt."""

    def __init__(self, family: Family, prompt: Prompt, gazetteer: Gazetteer) -> None:
        """Raises ValueError for a prompt whose answer does not begin with the country."""
        if prompt.fields[0] != "country":
            raise ValueError(f"the answers to the {prompt.name} prompt do not begin with a country")
        self._family = family
        self._prompt = prompt
        self._gazetteer = gazetteer
        self._towns_of = lru_cache(_COUNTRIES_KEPT)(self._read_towns)

    def rank(self, exchange: Exchange, num_countries: int, num_towns: int | None) -> Ranking:
        """All countries, and `num_towns` towns of each of the `num_countries` likeliest.

        The countries are exact. The towns are the likeliest of all the gazetteer's, unless 512
        tokens of their names were scored before that was certain: then the likeliest seen by then.
        None scores every town, whose tokens all stay in the cache: half a MiB each for a network
        of 7 billion parameters.
        """
        tree = AnswerTree(self._family.network, self._family.encode([exchange]))
        codes = tuple(self._gazetteer.countries())
        raw = np.empty(len(codes))
        for number, score in BestFirst(tree, self._countries).best().candidates:
            raw[number] = score
        ranking = Ranking(codes, tempered(raw, 1.0), {})
        if "city" not in self._prompt.fields:
            return ranking
        spelt = dict(zip(codes, raw.tolist(), strict=True))
        towns = {
            code: self._best_towns(tree, code, spelt[code], num_towns)
            for code in ranking.best(num_countries)
        }
        return Ranking(codes, ranking.log_probabilities, towns)

    def _best_towns(
        self, tree: AnswerTree, code: str, country_score: float, count: int | None
    ) -> tuple[RankedTown, ...]:
        towns = self._towns_of(code)
        if towns is None or count == 0:
            return ()
        found = BestFirst(tree, towns.trie).best(count, None if count is None else _MOST_NODES)
        return tuple(
            RankedTown(towns.places[number], float(np.exp(score - country_score)))
            for number, score in found.candidates
        )

    @cached_property
    def _countries(self) -> TokenTrie:
        names = [self._gazetteer.country_name(code) for code in self._gazetteer.countries()]
        before = opening(self._prompt)
        return TokenTrie(answer_ids(self._family.tokenizer, before, names, self._after(1)))

    def _read_towns(self, code: str) -> _Towns | None:
        """None for a country without towns. Of towns of one name the most populous is meant."""
        by_name: dict[str, Place] = {}
        for place in self._gazetteer.cities(code):
            if quoted(place.name) == f'{place.name}"':  # the grammar has no escapes
                by_name.setdefault(place.name, place)
        if not by_name:
            return None
        before = opening(self._prompt, self._gazetteer.country_name(code))
        place_of_field = self._prompt.fields.index("city") + 1
        ids = answer_ids(self._family.tokenizer, before, [*by_name], self._after(place_of_field))
        # Names that a tokenizer reads alike (it may compose accents): again the most populous.
        by_ids = dict(zip(reversed(ids), reversed(by_name.values()), strict=True))
        return _Towns(tuple(by_ids.values()), TokenTrie(tuple(by_ids)))

    def _after(self, num_fields: int) -> str:
        """What stands behind the closing quote of the field of this number."""
        left = self._prompt.fields[num_fields:]
        return f', "{left[0]}": "' if left else "}"
