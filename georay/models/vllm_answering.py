"""From questions about pictures to locations, of a vLLM server: constrained, ranked and streamed.

As `answering.LocalAnswerer` does with a network that is here, but for towns: a server scores whole
prompts, which is too slow for thousands of names, so the model writes the town of the chosen
country under constraint, and candidates are countries alone.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from georay.core.gazetteer import Gazetteer
from georay.core.prompts import INFERENCE, LOCATION, REASONING, Prompt
from georay.models.answering import (
    LocatorSettings,
    location_of_reply,
    read_location,
)
from georay.models.decoding.calibration import tempered
from georay.models.families.base import Exchange
from georay.models.families.remote import Reply
from georay.models.locations import Candidate, Location, Timings, Usage
from georay.models.streamed import in_pieces, report_at_once
from georay.models.vllm import Question, VllmModel


@dataclass(frozen=True)
class _Ranked:
    """What the ranking says of one picture: of every country, likeliest first, and what it took."""

    probability: Mapping[str, float]
    reply: Reply

    @property
    def best(self) -> str:
        return next(iter(self.probability))


@dataclass(frozen=True)
class _Written:
    """The fields of an answer, and the replies that they came in."""

    fields: Mapping[str, str]
    replies: tuple[Reply, ...]


_Rank = _Ranked | Location | None  # a location where ranking failed, nothing where it was not asked
_Answer = _Written | Location  # a location where no answer came


class VllmAnswerer:
    """Ranks, writes and reads with a vLLM server."""

    def __init__(
        self, model: VllmModel, settings: LocatorSettings, reasons_from: VllmModel | None = None
    ) -> None:
        """model: the server with the adapters that place a picture. reasons_from: with the lower of
        them alone, where both act; it is asked for the reasons then, as it learnt to give them.
        """
        self._model = model
        self._settings = settings
        self._reasons_from = reasons_from if settings.prompt is INFERENCE else None
        self._gazetteer = Gazetteer.load()

    def answer(self, exchanges: Sequence[Exchange], top_k: int) -> list[Location]:
        """One location per exchange, in order, with `top_k` countries as candidates."""
        ranked = self._ranked(exchanges, top_k)
        if self._settings.constrained:
            return self._finished(self._explained(exchanges, ranked), ranked, top_k)
        replies = self._model.write(exchanges, self._settings.sampling)
        return self._finished(list(map(location_of_reply, replies)), ranked, top_k)

    def answer_stream(
        self,
        exchange: Exchange,
        top_k: int,
        on_place: Callable[[Location], None],
        on_reasons: Callable[[str], None],
    ) -> Location:
        """As `answer`, with callbacks: the place once it is chosen, then pieces of its reasons.

        Unconstrained, or without reasons, both come at the end.
        """
        if not self._settings.constrained or "reasons" not in self._settings.prompt.fields:
            (found,) = self.answer([exchange], top_k)
            report_at_once(found, on_place, on_reasons)
            return found
        ranked = self._ranked([exchange], top_k)

        def finished(answer: _Answer) -> Location:
            return self._finished([answer], ranked, top_k)[0]

        def show_place(fields: Mapping[str, str]) -> bool:
            place = finished(_Written(fields, ()))
            on_place(place)
            return place.status == "answered"

        follower = _AnswerFollower(show_place, on_reasons)
        if self._reasons_from is None:
            return finished(
                self._streamed(self._model, exchange, ranked[0], self._settings.prompt, follower)
            )
        (placed,) = self._placed([exchange], ranked)
        if isinstance(placed, Location):
            return finished(placed)
        if not follower.place(placed.fields):
            return finished(placed)
        explained = self._streamed(self._reasons_from, exchange, placed, REASONING, follower)
        return finished(_joined(placed, explained))

    def _streamed(
        self,
        model: VllmModel,
        exchange: Exchange,
        known: "_Rank | _Written",
        prompt: Prompt,
        follower: "_AnswerFollower",
    ) -> _Answer:
        """An answer to a prompt, followed while it is written; its country as it is known."""
        if isinstance(known, Location):
            return known
        question = Question(exchange, self._country_of(known))
        return _read(model.complete_stream(question, prompt, self._settings.sampling, follower))

    def _ranked(self, exchanges: Sequence[Exchange], top_k: int) -> list[_Rank]:
        if not top_k:
            return [None] * len(exchanges)
        codes = list(self._gazetteer.countries())
        found: list[_Rank] = []
        for scores in self._model.country_scores(exchanges, self._place_prompt):
            if isinstance(scores, Reply):
                found.append(location_of_reply(scores))
                continue
            chances = np.exp(tempered(np.array(scores.log_probabilities), 1.0))
            order = np.argsort(-chances, kind="stable")
            probability = {codes[number]: float(chances[number]) for number in order}
            found.append(_Ranked(probability, scores.reply))
        return found

    @property
    def _place_prompt(self) -> Prompt:
        return self._settings.prompt if self._reasons_from is None else LOCATION

    def _placed(self, exchanges: Sequence[Exchange], ranked: Sequence[_Rank]) -> list[_Answer]:
        """What the model writes to the place's prompt, its country as ranked."""
        return self._completed(self._model, exchanges, ranked, self._place_prompt)

    def _explained(self, exchanges: Sequence[Exchange], ranked: Sequence[_Rank]) -> list[_Answer]:
        """Whole answers; the reasons of the adapter that learnt to give them, if there is one."""
        placed = self._placed(exchanges, ranked)
        if self._reasons_from is None:
            return placed
        told = self._completed(self._reasons_from, exchanges, placed, REASONING)
        return [
            one if isinstance(one, Location) else _joined(one, more)
            for one, more in zip(placed, told, strict=True)
        ]

    def _completed(
        self,
        model: VllmModel,
        exchanges: Sequence[Exchange],
        known: Sequence["_Rank | _Written"],
        prompt: Prompt,
    ) -> list[_Answer]:
        """Answers to a prompt, each country as it is known; what failed before stays as it is."""
        questions = [
            Question(exchange, self._country_of(one))
            for exchange, one in zip(exchanges, known, strict=True)
            if not isinstance(one, Location)
        ]
        replies = iter(model.complete(questions, prompt, self._settings.sampling))
        return [one if isinstance(one, Location) else _read(next(replies)) for one in known]

    def _country_of(self, known: "_Ranked | _Written | None") -> dict[str, str]:
        if known is None:
            return {}
        if isinstance(known, _Written):
            return {"country": known.fields["country"]}
        return {"country": self._gazetteer.country_name(known.best)}

    def _finished(
        self, answers: Sequence[_Answer], ranked: Sequence[_Rank], top_k: int
    ) -> list[Location]:
        return [
            self._with_candidates(self._location(one), beside, top_k)
            for one, beside in zip(answers, ranked, strict=True)
        ]

    def _location(self, answer: _Answer) -> Location:
        if isinstance(answer, Location):
            return answer
        found = read_location(json.dumps(answer.fields, ensure_ascii=False), self._gazetteer)
        answer_ms = sum(one.latency_ms for one in answer.replies)
        return replace(found, timings=Timings(answer_ms=answer_ms), usage=_usage(answer.replies))

    def _with_candidates(self, written: Location, ranked: _Rank, top_k: int) -> Location:
        """The answer with what the ranking says of it; no place where that is too little."""
        if not isinstance(ranked, _Ranked):
            return ranked or written
        chances = list(ranked.probability.items())[:top_k]
        confidence = ranked.probability.get(written.country or "")
        found = replace(
            written,
            candidates=tuple(
                Candidate(code, self._gazetteer.country_name(code), chance, ())
                for code, chance in chances
            ),
            confidence=confidence,
            timings=replace(written.timings, rank_ms=ranked.reply.latency_ms),
            usage=_added(_usage([ranked.reply]), written.usage),
        )
        if found.status == "answered" and (confidence or 0.0) < self._settings.abstain_below:
            return Location(
                "abstained",
                confidence=confidence,
                candidates=found.candidates,
                raw=found.raw,
                timings=found.timings,
                usage=found.usage,
            )
        return found


class _AnswerFollower:
    """Follows an answer while it grows: calls back with its place, then with its reasons, unless
    the place is not to be named.
    """

    def __init__(
        self, show_place: Callable[[Mapping[str, str]], bool], on_reasons: Callable[[str], None]
    ) -> None:
        """show_place: calls back with the place of these fields; whether it is named."""
        self._show_place = show_place
        self._on_reasons = in_pieces(on_reasons)
        self._is_named: bool | None = None

    def place(self, fields: Mapping[str, str]) -> bool:
        self._is_named = self._show_place(fields)
        return self._is_named

    def __call__(self, text: str) -> None:
        before, reasons, _ = text.partition(', "reasons": "')  # the grammar has no escapes
        if reasons and self._is_named is None:
            self.place(json.loads(before + "}"))
        if self._is_named:
            self._on_reasons(text)


def _read(reply: Reply) -> _Answer:
    if reply.text is None or reply.refused:
        return location_of_reply(reply)
    return _Written(json.loads(reply.text), (reply,))


def _joined(placed: _Written, explained: _Answer) -> _Answer:
    """The fields of the place, and the reasons of the other."""
    if isinstance(explained, Location):
        return explained
    replies = (*placed.replies, *explained.replies)
    return _Written({**placed.fields, **explained.fields}, replies)


def _usage(replies: Sequence[Reply]) -> Usage:
    costs = [one.cost for one in replies]
    return Usage(
        sum(one.num_attempts for one in replies),
        sum(one.num_prompt_tokens or 0 for one in replies),
        sum(one.num_answer_tokens or 0 for one in replies),
        None if None in costs else sum(cost for cost in costs if cost is not None),
    )


def _added(one: Usage, other: Usage | None) -> Usage:
    if other is None:
        return one
    costs = (one.cost, other.cost)
    return Usage(
        one.num_attempts + other.num_attempts,
        (one.num_prompt_tokens or 0) + (other.num_prompt_tokens or 0),
        (one.num_answer_tokens or 0) + (other.num_answer_tokens or 0),
        None if None in costs else sum(cost for cost in costs if cost is not None),
    )
