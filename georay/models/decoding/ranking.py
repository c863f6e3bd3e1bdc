"""How probable each country is, and each town of the likeliest ones, given a picture.

Every name is scored as the tokens it has in the answer itself (`{"country": "Niger", …`), on the
tree of all names above one reading of the picture, of many pictures together; see `answer_tree`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from georay.core.gazetteer import Gazetteer, Place
from georay.core.prompts import Prompt
from georay.models.decoding.answer_tree import AnswerTrees
from georay.models.decoding.calibration import Scores, tempered
from georay.models.decoding.candidates import TokenTrie, answer_ids, opening, quoted
from georay.models.decoding.search import (
    NODES_AT_ONCE,
    NODES_AT_ONCE_FOR_FEW,
    Found,
    SearchRequest,
    search_all,
)
from georay.models.families.base import Batch, Family

_COUNTRIES_KEPT = 32  # whose towns' tokens stay in memory, up to 10 MB each
_MOST_GIVEN = 1500  # tokens of a prompt with its picture
_NODES_OF_COUNTRIES = 1000
_OF_MAIN_MEMORY = 2 << 30
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


def rows_at_once(network: PreTrainedModel, num_countries: int) -> int:
    """How many pictures can be ranked together: their keys and values must fit into memory."""
    config: Any = network.config.get_text_config()
    heads = config.num_attention_heads
    width = (getattr(config, "num_key_value_heads", None) or heads) * (
        getattr(config, "head_dim", None) or config.hidden_size // heads
    )
    of_token = 2 * config.num_hidden_layers * width * network.dtype.itemsize
    nodes_at_once = max(NODES_AT_ONCE, NODES_AT_ONCE_FOR_FEW * num_countries) * 3 // 2
    of_scores = nodes_at_once * config.vocab_size * (network.dtype.itemsize + 4)
    num_tokens = _MOST_GIVEN + max(_NODES_OF_COUNTRIES, _MOST_NODES * num_countries)
    return max(1, _memory_for(network) // (num_tokens * of_token + of_scores))


def _memory_for(network: PreTrainedModel) -> int:
    """Bytes: half of what a GPU has free; of main memory a share that is there."""
    if network.device.type != "cuda":
        return _OF_MAIN_MEMORY
    free, _ = torch.cuda.mem_get_info(network.device)
    return int(free) // 2


def _in_order(found: Found) -> Scores:
    """The scores of all candidates, by their numbers."""
    scores = np.empty(len(found.candidates))
    for number, score in found.candidates:
        scores[number] = score
    return scores


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

    def rank(self, prompts: Batch, num_countries: int, num_towns: int | None) -> list[Ranking]:
        """All countries, and `num_towns` towns of each of the `num_countries` likeliest, by row.

        prompts: encoded questions, all ranked together. The countries are exact. The towns are the
        likeliest of all the gazetteer's, unless 512 tokens of their names were scored before that
        was certain: then the likeliest seen by then. None scores every town, whose tokens all stay
        in the cache: half a MiB each for a network of 7 billion parameters.
        """
        trees = AnswerTrees(self._family.network, prompts)
        rows = range(trees.num_rows)
        found = search_all(trees, [SearchRequest(row, self._countries) for row in rows])
        raw = [_in_order(one) for one in found]
        codes = tuple(self._gazetteer.countries())
        rankings = [Ranking(codes, tempered(scores, 1.0), {}) for scores in raw]
        if "city" not in self._prompt.fields:
            return rankings
        trees.forget()
        asked = [(row, code) for row in rows for code in rankings[row].best(num_countries)]
        towns = self._best_towns(trees, asked, raw, num_towns)
        return [
            Ranking(codes, one.log_probabilities, towns[row]) for row, one in enumerate(rankings)
        ]

    def _best_towns(
        self,
        trees: AnswerTrees,
        asked: Sequence[tuple[int, str]],
        raw: Sequence[Scores],
        count: int | None,
    ) -> list[dict[str, tuple[RankedTown, ...]]]:
        """Towns of the countries asked for, by row and country. raw: log-probabilities of them."""
        best: list[dict[str, tuple[RankedTown, ...]]] = [{} for _ in raw]
        number_of = {code: number for number, code in enumerate(self._gazetteer.countries())}
        requests, sought = [], []
        for row, code in asked:
            best[row][code] = ()
            if count != 0 and (towns := self._towns_of(code)) is not None:
                limit = None if count is None else _MOST_NODES
                requests.append(SearchRequest(row, towns.trie, count, limit))
                sought.append((row, code, towns.places))
        for (row, code, places), found in zip(sought, search_all(trees, requests), strict=True):
            above = float(raw[row][number_of[code]])
            best[row][code] = tuple(
                RankedTown(places[number], float(np.exp(score - above)))
                for number, score in found.candidates
            )
        return best

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
