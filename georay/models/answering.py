"""Answers questions about pictures with locations, by a local network or a remote endpoint."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Protocol

import numpy as np

from georay.core.answers import parse_answer
from georay.core.gazetteer import Gazetteer, Place
from georay.core.prompts import INFERENCE, LOCATION, REASONING, Conversation, Prompt, target_answer
from georay.models.adapters import STAGES, AdapterStack
from georay.models.decoding.calibration import Calibration, Scores
from georay.models.decoding.candidates import opening
from georay.models.decoding.grammar import answer_grammar, generate_constrained
from georay.models.decoding.ranking import PlaceRanker, Ranking, rows_at_once
from georay.models.familiarity import Familiarity
from georay.models.families.base import Batch, Exchange, Family, Sampling
from georay.models.families.remote import RemoteModel, Reply
from georay.models.locations import Candidate, Location, Timings, Usage
from georay.models.ranked import Ranked, ranked_from
from georay.models.streamed import in_pieces, report_at_once

ANSWER_SAMPLING = Sampling(max_new_tokens=320)  # greedy, and room for a paragraph of reasons


@dataclass(frozen=True)
class LocatorSettings:
    """How a locator answers.

    constrained: with ranking, the likeliest place is chosen and the model gives its reasons for
    it; without, it writes valid JSON with a country of the gazetteer. Off, it writes freely as in
    the paper, and ranking only adds candidates. Remote models always write freely.
    prompt: INFERENCE, chosen from by ranking and with both adapters acting, is asked in its two
    halves, each as the stage that learnt it: the place of both adapters, then the reasons of the
    lower. The upper forgot how to give reasons.
    abstain_below: name no place where the country's probability is lower; it needs ranking.
    """

    prompt: Prompt = INFERENCE
    constrained: bool = True
    sampling: Sampling = ANSWER_SAMPLING
    batch_size: int = 8
    towns_per_country: int | None = 5
    abstain_below: float = 0.0

    def __post_init__(self) -> None:
        too_few = self.towns_per_country is not None and self.towns_per_country < 0
        if self.batch_size < 1 or too_few or not 0 <= self.abstain_below <= 1:
            raise ValueError(
                "a locator needs batch_size ≥ 1, towns_per_country ≥ 0 and 0 ≤ abstain_below ≤ 1, "
                f"got {self.batch_size}, {self.towns_per_country} and {self.abstain_below}"
            )


class Answerer(Protocol):
    """Locates pictures that are decoded already."""

    def answer(self, exchanges: Sequence[Exchange], top_k: int) -> list[Location]:
        """One location per exchange, in order."""


class RemoteAnswerer:
    """Asks an endpoint and reads what it says. Nothing of it can be ranked or constrained."""

    def __init__(self, model: RemoteModel, settings: LocatorSettings) -> None:
        self._model = model
        self._sampling = settings.sampling

    def answer(self, exchanges: Sequence[Exchange], top_k: int) -> list[Location]:  # noqa: ARG002
        """One location per exchange, in order; without candidates, whatever `top_k`."""
        return [location_of_reply(reply) for reply in self._model.answer(exchanges, self._sampling)]


class LocalAnswerer:
    """Ranks, writes and reads with a network in this process."""

    def __init__(
        self,
        family: Family,
        settings: LocatorSettings,
        calibration: Calibration | None,
        stack: AdapterStack | None = None,
        familiarity: Familiarity | None = None,
    ) -> None:
        """stack: the adapters above the family's network, if it has any. familiarity: knows the
        pictures that the network learnt from."""
        self.calibration = calibration
        self._familiarity = familiarity
        self._family = family
        self._settings = settings
        self._stack = stack
        self._gazetteer = Gazetteer.load()
        self._ranker = cache(partial(PlaceRanker, family, gazetteer=self._gazetteer))

    def answer(self, exchanges: Sequence[Exchange], top_k: int) -> list[Location]:
        """One location per exchange, in order, with `top_k` candidates; all in one batch."""
        if top_k == 0:
            return list(map(self._judged, exchanges, self._written(exchanges)))
        ranked, seen = self._rank(exchanges, top_k)
        if self._settings.constrained:
            return self._explained(exchanges, ranked, seen)
        written = map(self._with_candidates, self._written(exchanges), ranked)
        return list(map(self._judged, exchanges, written))

    def answer_stream(
        self,
        exchange: Exchange,
        top_k: int,
        on_place: Callable[[Location], None],
        on_reasons: Callable[[str], None],
    ) -> Location:
        """As `answer`, with callbacks: the place once it is chosen, then pieces of its reasons.

        Without ranking, or unconstrained, both come at the end.
        """
        if top_k == 0 or not self._settings.constrained:
            (found,) = self.answer([exchange], top_k)
            report_at_once(found, on_place, on_reasons)
            return found
        (ranked,), seen = self._rank([exchange], top_k)
        on_place(self._settled(exchange, ranked))
        (found,) = self._explained([exchange], [ranked], seen, in_pieces(on_reasons))
        return found

    def country_scores(self, exchanges: Sequence[Exchange]) -> Scores:
        """[pictures, countries] log-probabilities before any calibration."""
        size = self._settings.batch_size
        rankings = [
            ranking
            for start in range(0, len(exchanges), size)
            for ranking in self._rankings(exchanges[start : start + size], 0, 0)[0]
        ]
        return np.stack([ranking.log_probabilities for ranking in rankings])

    def _judged(self, exchange: Exchange, found: Location) -> Location:
        """The answer with whether to trust it, as far as anything here tells it."""
        known, calibration = self._familiarity, self.calibration
        if known is not None and not known.is_like(exchange.images[0]):
            return replace(found, sureness="unfamiliar")
        if calibration is None or found.confidence is None:
            return found
        is_sure = calibration.is_sure(found.confidence)
        return replace(found, sureness="sure" if is_sure else "unsure")

    @property
    def _in_halves(self) -> bool:
        """Whether place and reasons are asked apart, each of the adapters that learnt it."""
        asked = self._settings.prompt
        return asked is INFERENCE and self._stack is not None and self._stack.active == STAGES

    def _rankings(
        self, exchanges: Sequence[Exchange], num_countries: int, num_towns: int | None
    ) -> tuple[list[Ranking], Batch | None]:
        """Rankings of pictures, as many together as the memory holds; and the batch that was looked
        at, where that was one.
        """
        prompt = LOCATION if self._in_halves else self._settings.prompt
        asked = [_asked(exchange, prompt) for exchange in exchanges]
        size = rows_at_once(self._family.network, num_countries)
        rankings, seen = list[Ranking](), None
        for start in range(0, len(asked), size):
            seen = self._family.look(self._family.encode(asked[start : start + size]))
            rankings += self._ranker(prompt).rank(seen, num_countries, num_towns)
        return rankings, seen if len(asked) <= size else None

    def _rank(self, exchanges: Sequence[Exchange], top_k: int) -> tuple[list[Ranked], Batch | None]:
        started = time.perf_counter()
        rankings, seen = self._rankings(exchanges, top_k, self._settings.towns_per_country)
        ranked = [ranked_from(one, self.calibration, top_k, self._gazetteer) for one in rankings]
        elapsed_ms = (time.perf_counter() - started) * 1000
        return [replace(one, elapsed_ms=elapsed_ms) for one in ranked], seen

    def _written(self, exchanges: Sequence[Exchange]) -> list[Location]:
        """What the model writes by itself, under the grammar or freely."""
        started = time.perf_counter()
        settings = self._settings
        if not settings.constrained:
            texts = self._family.generate(self._family.encode(exchanges), settings.sampling)
        elif self._in_halves:
            asked = [_asked(exchange, LOCATION) for exchange in exchanges]
            seen = self._family.look(self._family.encode(asked))
            places = [json.loads(text) for text in self._completed(seen, LOCATION)]
            texts = self._with_reasons(exchanges, places, seen=seen)
        else:
            texts = self._completed(self._family.encode(exchanges), settings.prompt)
        timings = Timings(answer_ms=(time.perf_counter() - started) * 1000)
        return [replace(read_location(text, self._gazetteer), timings=timings) for text in texts]

    def _explained(
        self,
        exchanges: Sequence[Exchange],
        ranked: Sequence[Ranked],
        seen: Batch | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> list[Location]:
        """The likeliest places, and the model's reasons for them if it is asked for any.

        A place that is a guess gets none: they would be made up.
        """
        started = time.perf_counter()
        prompt = self._settings.prompt
        settled = list(map(self._settled, exchanges, ranked))
        known = [_settled_fields(one.candidates[0], prompt) for one in ranked]
        if all(len(values) == len(prompt.fields) for values in known):
            rows = list(range(len(ranked)))
            texts = [target_answer(prompt, **values) for values in known]
        else:
            rows = [row for row, place in enumerate(settled) if _is_worth_reasons(place)]
            texts = self._reasons(exchanges, known, rows, seen, on_text)
        timings = Timings(answer_ms=(time.perf_counter() - started) * 1000)
        for row, text in zip(rows, texts, strict=True):
            found = _explanation(ranked[row].candidates[0], text, timings)
            found = self._with_candidates(found, ranked[row])
            settled[row] = replace(found, sureness=settled[row].sureness)
        return settled

    def _settled(self, exchange: Exchange, ranked: Ranked) -> Location:
        """What the ranking settles of an answer, and whether to trust it."""
        place = _settled_location(ranked, self._settings.prompt)
        return self._judged(exchange, self._with_candidates(place, ranked))

    def _reasons(
        self,
        exchanges: Sequence[Exchange],
        known: Sequence[Mapping[str, str]],
        rows: Sequence[int],
        seen: Batch | None,
        on_text: Callable[[str], None] | None,
    ) -> list[str]:
        """Whole answers about the pictures in these rows, whose places are known."""
        if not rows:
            return []
        about = [exchanges[row] for row in rows]
        places = [known[row] for row in rows]
        if self._in_halves and all("city" in values for values in places):
            return self._with_reasons(about, places, on_text, seen, rows)
        prompt = self._settings.prompt
        return self._completed(self._family.encode(about), prompt, places, on_text)

    def _with_reasons(
        self,
        exchanges: Sequence[Exchange],
        known: Sequence[Mapping[str, str]],
        on_text: Callable[[str], None] | None = None,
        seen: Batch | None = None,
        rows: Sequence[int] | None = None,
    ) -> list[str]:
        """Whole answers about places that are known, their reasons from the lower adapter.

        seen: a batch with the same pictures that the network has looked at. rows: where they stand
        in it, by default in the same order.
        """
        assert self._stack is not None
        with self._stack.only(STAGES[0]):
            asked = [_asked(exchange, REASONING) for exchange in exchanges]
            if seen is None:
                batch = self._family.encode(asked)
            else:
                batch = self._family.ask_again(asked, seen, rows or range(len(asked)))
            texts = self._completed(batch, REASONING, known, on_text)
        answers = [
            {**values, **json.loads(text)} for values, text in zip(known, texts, strict=True)
        ]
        return [json.dumps(answer, ensure_ascii=False) for answer in answers]

    def _completed(
        self,
        batch: Batch,
        prompt: Prompt,
        known: Sequence[Mapping[str, str]] | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> list[str]:
        """Answers to `prompt` under the grammar, beginning with what is known of its fields."""
        starts = None if known is None else [_beginning(prompt, values) for values in known]
        return generate_constrained(
            self._family,
            batch,
            self._settings.sampling,
            answer_grammar(self._family, prompt),
            starts,
            on_text,
        )

    def _with_candidates(self, written: Location, ranked: Ranked) -> Location:
        """The answer with what the ranking says of it; no place where that is too little."""
        confidence = ranked.probability.get(written.country or "")
        found = replace(
            written,
            candidates=ranked.candidates,
            confidence=confidence,
            timings=replace(written.timings, rank_ms=ranked.elapsed_ms),
        )
        if found.status == "answered" and (confidence or 0.0) < self._settings.abstain_below:
            return Location(
                "abstained",
                confidence=confidence,
                candidates=found.candidates,
                raw=found.raw,
                timings=found.timings,
            )
        if not self._settings.constrained or ranked.placing is None:
            return found
        town = ranked.placing.town
        return replace(
            found,
            latitude=town.latitude,
            longitude=town.longitude,
            expected_distance_km=ranked.placing.expected_distance_km,
        )


def read_location(raw: str, gazetteer: Gazetteer) -> Location:
    """The location that a model's text names."""
    answer = parse_answer(raw, gazetteer)
    if answer.status != "answered":
        return Location(answer.status, reasons=answer.reasons, raw=raw)
    country, latitude, longitude = answer.country, answer.latitude, answer.longitude
    town: Place | None = None
    if latitude is None or longitude is None:
        town = gazetteer.resolve(answer.city, country)
    elif country is None:
        country = gazetteer.nearest(latitude, longitude).country
    if town is not None:
        country, latitude, longitude = country or town.country, town.latitude, town.longitude
    return Location(
        "answered",
        country=country,
        country_name=gazetteer.country_name(country) if country else None,
        city=answer.city,
        reasons=answer.reasons,
        latitude=latitude,
        longitude=longitude,
        raw=raw,
    )


def location_of_reply(reply: Reply) -> Location:
    """The location that an endpoint's reply names, with what it took."""
    if reply.error is not None or reply.text is None:
        found = Location("failed", error=reply.error)
    elif reply.refused:
        found = Location("refused", raw=reply.text)
    else:
        found = read_location(reply.text, Gazetteer.load())
    usage = Usage(reply.num_attempts, reply.num_prompt_tokens, reply.num_answer_tokens, reply.cost)
    return replace(found, timings=Timings(answer_ms=reply.latency_ms), usage=usage)


def _settled_fields(best: Candidate, prompt: Prompt) -> dict[str, str]:
    """The fields of the answer that the ranking settles, up to the first that it does not."""
    known = {"country": best.country_name}
    if "city" in prompt.fields and best.towns:
        known["city"] = best.towns[0].city
    return known


def _is_worth_reasons(place: Location) -> bool:
    return place.status == "answered" and place.sureness in (None, "sure")


def _settled_location(ranked: Ranked, prompt: Prompt) -> Location:
    """What the ranking settles of an answer, before a word is written."""
    best = ranked.candidates[0]
    city = _settled_fields(best, prompt).get("city")
    return Location("answered", country=best.country, country_name=best.country_name, city=city)


def _asked(exchange: Exchange, prompt: Prompt) -> Exchange:
    """The same pictures with the question of a prompt."""
    return replace(exchange, conversation=Conversation(prompt.question, len(exchange.images)))


def _beginning(prompt: Prompt, known: Mapping[str, str]) -> str:
    return opening(prompt, **{name: known[name] for name in prompt.fields if name in known})


def _explanation(best: Candidate, text: str, timings: Timings) -> Location:
    """The location of a chosen candidate, the rest of it as written under the grammar."""
    written = json.loads(text)
    return Location(
        "answered",
        country=best.country,
        country_name=best.country_name,
        city=written.get("city"),
        reasons=written.get("reasons"),
        raw=text,
        timings=timings,
    )
