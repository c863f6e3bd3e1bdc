"""vLLM's server: what it understands beyond an OpenAI-compatible endpoint.

Constrained answers go through its structured outputs as a regular expression; how probable an
answer is comes from the log-probabilities of a prompt that ends with it; a LoRA adapter is asked by
the name that the server gave it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from georay.core.gazetteer import Gazetteer
from georay.core.prompts import Conversation, Prompt
from georay.models.decoding.candidates import opening, quoted
from georay.models.decoding.grammar import (
    CITY_PATTERN,
    FEWEST_NEW_TOKENS,
    LAST_TOKENS,
    REASONS_PATTERN,
)
from georay.models.families.base import Exchange, Sampling
from georay.models.families.remote import Asking, RemoteModel, Reply

_SPECIAL = frozenset(r"\.^$|?*+()[]{}")
_ONE_TOKEN = Sampling(max_new_tokens=1)
_END = '"}'


@dataclass(frozen=True)
class Question:
    """A picture asked with a prompt, and the fields of the answer that are known already."""

    exchange: Exchange
    known: Mapping[str, str]


class VllmModel:
    """A vLLM server that answers questions about pictures, with one of its adapters acting."""

    def __init__(self, remote: RemoteModel, name: str | None = None) -> None:
        """name: of the adapter, as the server calls it; None asks its base model."""
        self._remote = remote
        self._name = name

    def write(self, exchanges: Sequence[Exchange], sampling: Sampling) -> list[Reply]:
        """What the model writes freely; one reply per exchange, in order."""
        return self._remote.ask([Asking(one, model=self._name) for one in exchanges], sampling)

    def complete(
        self, questions: Sequence[Question], prompt: Prompt, sampling: Sampling
    ) -> list[Reply]:
        """Whole answers to `prompt`: valid JSON, the known fields first, a gazetteer's country.

        Raises ValueError where `max_new_tokens` leaves no room for every answer to end.
        """
        askings = [self._constrained(one, prompt) for one in questions]
        replies = self._remote.ask(askings, _with_room(sampling))
        return [_whole(one, asking) for one, asking in zip(replies, askings, strict=True)]

    def complete_stream(
        self,
        question: Question,
        prompt: Prompt,
        sampling: Sampling,
        on_text: Callable[[str], None],
    ) -> Reply:
        """As `complete`; on_text is called with the whole answer each time it has grown."""
        asking = self._constrained(question, prompt)

        def on_more(text: str) -> None:
            on_text(asking.begun + text)

        return _whole(self._remote.stream(asking, _with_room(sampling), on_more), asking)

    def country_scores(
        self, exchanges: Sequence[Exchange], prompt: Prompt
    ) -> list["CountryScores | Reply"]:
        """Of each picture the countries' log-probabilities, or the reply that failed.

        A request a country, and vLLM (0.32) reads no prefix cache where prompt_logprobs are asked
        for: each is a whole reading of the prompt. What it writes afterwards does read the cache.
        Raises ValueError for a prompt whose answer does not begin with the country.
        """
        if prompt.fields[0] != "country":
            raise ValueError(f"the answers to the {prompt.name} prompt do not begin with a country")
        endings = _country_endings(prompt)
        askings = [
            self._asking(one, prompt, begun=opening(prompt) + ending, extra={"prompt_logprobs": 0})
            for one in exchanges
            for ending in endings
        ]
        replies = self._remote.ask(askings, _ONE_TOKEN)
        after = len(_after_country(prompt))
        size = len(endings)
        return [_scored(replies[at : at + size], after) for at in range(0, len(replies), size)]

    def _constrained(self, question: Question, prompt: Prompt) -> Asking:
        begun = _beginning(prompt, question.known)
        pattern = answer_pattern(prompt, frozenset(question.known))
        extra = {"structured_outputs": {"regex": pattern}}
        return self._asking(question.exchange, prompt, begun, extra)

    def _asking(
        self, exchange: Exchange, prompt: Prompt, begun: str, extra: Mapping[str, Any]
    ) -> Asking:
        asked = Conversation(prompt.question, len(exchange.images))
        return Asking(replace(exchange, conversation=asked), begun, self._name, extra)


@dataclass(frozen=True)
class CountryScores:
    """log_probabilities: in the order of `Gazetteer.countries`, of the name's tokens together, and
    of all that differs from name to name. reply: sums what all the requests took.
    """

    log_probabilities: tuple[float, ...]
    reply: Reply


@lru_cache(maxsize=8)
def answer_pattern(prompt: Prompt, known: frozenset[str] = frozenset()) -> str:
    """What is left of an answer to `prompt` behind its known fields, as a regular expression."""
    left = [field for field in prompt.fields if field not in known]
    before = " " if known else _escaped(opening(prompt).removesuffix('"'))
    fields = {"country": _countries(), "city": CITY_PATTERN, "reasons": REASONS_PATTERN}
    parts = [f'"{fields[left[0]]}']
    parts += [f'", "{field}": "{fields[field]}' for field in left[1:]]
    return before + "".join(parts) + _escaped(_END)


def _countries() -> str:
    gazetteer = Gazetteer.load()
    names = [gazetteer.country_name(code) for code in gazetteer.countries()]
    return f"({'|'.join(_escaped(quoted(name)[:-1]) for name in names)})"


def _escaped(text: str) -> str:
    """The text in a regular expression; unlike `re.escape` it escapes no space, for every engine
    reads that as it stands."""
    return "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in text)


def _beginning(prompt: Prompt, known: Mapping[str, str]) -> str:
    """The known fields as an answer has them, without the blank and quote before the next value.

    A tokenizer may join that quote with what follows, so the model writes it, as it does here.
    """
    if not known:
        return ""
    text = opening(prompt, **{name: known[name] for name in prompt.fields if name in known})
    return text.removesuffix(' "')


def _with_room(sampling: Sampling) -> Sampling:
    if sampling.max_new_tokens < FEWEST_NEW_TOKENS:
        raise ValueError(
            f"a constrained answer needs max_new_tokens ≥ {FEWEST_NEW_TOKENS} to be sure to end, "
            f"got {sampling.max_new_tokens}"
        )
    return replace(sampling, max_new_tokens=sampling.max_new_tokens - LAST_TOKENS)


def _whole(reply: Reply, asking: Asking) -> Reply:
    """The reply with the whole answer as its text; one that was cut in its last field is ended."""
    if reply.text is None or reply.refused:
        return reply
    text = asking.begun + reply.text
    if reply.finish_reason != "length" or text.endswith(_END):
        return replace(reply, text=text)
    text = text.rstrip("\ufffd") + _END  # of a last letter some bytes may not have come
    try:
        json.loads(text)
    except ValueError:  # it was cut between two values
        return replace(reply, text=None, error="the answer was cut at max_new_tokens")
    return replace(reply, text=text)


def _after_country(prompt: Prompt) -> str:
    return f', "{prompt.fields[1]}": "' if prompt.fields[1:] else "}"


@lru_cache(maxsize=8)
def _country_endings(prompt: Prompt) -> tuple[str, ...]:
    """Of every country, its name with its closing quote and what stands behind it."""
    gazetteer, after = Gazetteer.load(), _after_country(prompt)
    names = [gazetteer.country_name(code) for code in gazetteer.countries()]
    return tuple(quoted(name) + after for name in names)


def _scored(replies: Sequence[Reply], num_after: int) -> CountryScores | Reply:
    """num_after: letters behind the closing quote; they are ASCII and the same for all names."""
    if failed := [one for one in replies if one.error is not None]:
        return failed[0]
    try:
        rows = [_tokens(one.prompt_logprobs or ()) for one in replies]
        rows = [row[: len(row) - _num_behind(row, num_after)] for row in rows]
    except (KeyError, TypeError, ValueError, AttributeError):
        rows = []
    if not rows or not all(rows):
        told = "the endpoint tells no prompt_logprobs: is it vLLM?"
        return replace(replies[0], text=None, error=told)
    shared = _num_shared(rows)
    scores = tuple(sum(token.log_probability for token in row[shared:]) for row in rows)
    return CountryScores(scores, _together(replies))


@dataclass(frozen=True)
class _Token:
    """A token of a prompt; the first of all has no log-probability, and counts as certain."""

    id: int
    text: str
    log_probability: float


def _tokens(prompt_logprobs: Sequence[Any]) -> list[_Token]:
    found = []
    for entry in prompt_logprobs:
        if entry is None:
            found.append(_Token(-1, "", 0.0))
            continue
        # Beside the prompt's own token, which comes first, there may be likelier ones.
        number, facts = next(iter(entry.items()))
        found.append(_Token(int(number), facts["decoded_token"], float(facts["logprob"])))
    return found


def _num_behind(row: Sequence[_Token], num_letters: int) -> int:
    """Tokens at the end that lie wholly within so many letters."""
    number = 0
    while number < len(row) and (length := len(row[-1 - number].text)) <= num_letters:
        num_letters -= length
        number += 1
        if not num_letters:
            break
    return number


def _num_shared(rows: Sequence[Sequence[_Token]]) -> int:
    """Tokens that all rows begin with. What they add is the same for all, but for rounding."""
    first, last = min(rows, key=_ids), max(rows, key=_ids)
    pairs = zip(first, last, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a.id != b.id), min(len(first), len(last)))


def _ids(row: Sequence[_Token]) -> list[int]:
    return [token.id for token in row]


def _together(replies: Sequence[Reply]) -> Reply:
    """What many requests for one picture took; the longest wait, since they went side by side."""
    costs = [one.cost for one in replies]
    return Reply(
        text="",
        num_prompt_tokens=sum(one.num_prompt_tokens or 0 for one in replies),
        num_answer_tokens=sum(one.num_answer_tokens or 0 for one in replies),
        cost=None if None in costs else sum(cost for cost in costs if cost is not None),
        num_attempts=sum(one.num_attempts for one in replies),
        latency_ms=max(one.latency_ms for one in replies),
    )
