"""Answers that cannot be malformed: valid JSON, a country of the gazetteer, always finished.

A grammar says after every token which tokens may come next; the others get no probability. So the
share of effective answers (the paper's recall, section 4.2.2) is 1 whatever the weights. To
reproduce the paper leave it off: its models wrote freely.
"""

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import llguidance
import llguidance.hf
import numpy as np
import torch
from numpy.typing import NDArray
from transformers import LogitsProcessor, LogitsProcessorList
from transformers.generation.streamers import BaseStreamer

from georay.core.gazetteer import Gazetteer
from georay.core.prompts import Prompt
from georay.models.decoding.candidates import Ids, opening
from georay.models.families.base import Batch, Family, Sampling, choice_of, on_device_of
from georay.models.families.growing_cache import growing_cache

FEWEST_NEW_TOKENS = 128
"""Room for the longest country at one token a letter, and for `LAST_TOKENS` behind it."""

LAST_TOKENS = 48  # enough to end any answer behind its country, at one token a byte
_LONGEST_CITY = 120  # letters, as many as the parser takes for a name
_MOST_GRAMMARS = 8

# Escapes have no place in an answer, nor control characters: so every text is valid JSON.
_FIRST, _LETTER = r'[^"\\\x00-\x20\x7f]', r'[^"\\\x00-\x1f\x7f]'
CITY_PATTERN = f"{_FIRST}{_LETTER}{{0,{_LONGEST_CITY - 1}}}"
REASONS_PATTERN = f"{_FIRST}{_LETTER}*"

Allowed = NDArray[np.bool_]


class AnswerGrammar:
    """What an answer to a prompt may be, over one tokenizer. Make it with `answer_grammar`."""

    def __init__(
        self, tokenizer: Any, num_tokens: int, ends: tuple[int, ...], prompt: Prompt
    ) -> None:
        self._num_tokens = num_tokens
        readable = llguidance.hf.from_tokenizer(tokenizer, num_tokens, list(ends))
        self.end = np.zeros(num_tokens, dtype=np.bool_)
        self.end[list(ends)] = True
        self._start = _matcher(readable, _answers(prompt))
        self.closing = self.allowed(_matcher(readable, r'start: "\"" /(.|\n)*/'))
        """Which of the vocabulary's tokens begin with a quote: inside a text, they end it."""

    def begin(self) -> llguidance.LLMatcher:
        """A reader of one answer, at its beginning."""
        return self._start.deep_copy()

    def allowed(self, matcher: llguidance.LLMatcher) -> Allowed:
        """[vocabulary] Which tokens may come next."""
        bits = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
        return np.unpackbits(bits, count=self._num_tokens, bitorder="little").view(np.bool_)


def answer_grammar(family: Family, prompt: Prompt) -> AnswerGrammar:
    """The grammar of answers to `prompt` for this family; made once per tokenizer and prompt.

    The network's vocabulary may be larger than its tokenizer's; what is left over is never allowed.
    """
    network: Any = family.network
    ends = network.generation_config.eos_token_id
    return _made(
        family.tokenizer,
        network.get_output_embeddings().weight.shape[0],
        tuple(ends) if isinstance(ends, list) else (ends,),
        prompt,
    )


@lru_cache(maxsize=_MOST_GRAMMARS)
def _made(tokenizer: Any, num_tokens: int, ends: tuple[int, ...], prompt: Prompt) -> AnswerGrammar:
    return AnswerGrammar(tokenizer, num_tokens, ends, prompt)


def generate_constrained(
    family: Family,
    batch: Batch,
    sampling: Sampling,
    grammar: AnswerGrammar,
    starts: Sequence[str] | None = None,
    on_text: Callable[[str], None] | None = None,
) -> list[str]:
    """One valid answer per row of an encoded batch.

    starts: how each row's answer begins, where that is settled already; what `opening` writes.
    on_text: hears all that is written so far, word by word; for a batch of one row only.
    Raises ValueError where `max_new_tokens` leaves no room for every answer to end.
    """
    forced = [_settled_ids(family.tokenizer, start) for start in starts or ()]
    longest = max((len(ids) for ids in forced), default=0)
    needed = max(FEWEST_NEW_TOKENS, longest + LAST_TOKENS)
    if sampling.max_new_tokens < needed:
        raise ValueError(
            f"a constrained answer needs max_new_tokens ≥ {needed} to be sure to end, "
            f"got {sampling.max_new_tokens}"
        )
    constraint = _Constraint(grammar, sampling.max_new_tokens, forced)
    network: Any = family.network
    with torch.inference_mode():
        ids = network.generate(
            **on_device_of(family.network, batch),
            past_key_values=growing_cache(family.network),
            max_new_tokens=sampling.max_new_tokens,
            logits_processor=LogitsProcessorList([constraint]),
            streamer=None if on_text is None else _StreamedText(family.tokenizer, on_text),
            **choice_of(sampling),
        )
    answers = ids[:, batch["input_ids"].shape[1] :]
    return list(family.tokenizer.batch_decode(answers, skip_special_tokens=True))


class _StreamedText(BaseStreamer):  # type: ignore[misc]  # transformers is not analysed
    """Calls back with the text written so far, whenever it consists of whole letters."""

    def __init__(self, tokenizer: Any, on_text: Callable[[str], None]) -> None:
        self._tokenizer = tokenizer
        self._on_text = on_text
        self._ids: list[int] | None = None

    def put(self, value: torch.Tensor) -> None:
        if self._ids is None:
            self._ids = []  # the first that comes is the prompt
            return
        self._ids += value.flatten().tolist()
        text = self._tokenizer.decode(self._ids, skip_special_tokens=True)
        if not text.endswith("\ufffd"):  # a letter of which some bytes are still to come
            self._on_text(text)

    def end(self) -> None:
        """Nothing is held back until the end."""


class _Constraint(LogitsProcessor):  # type: ignore[misc]  # transformers is not analysed
    """Restricts each row of one generation to the tokens that its grammar allows."""

    def __init__(self, grammar: AnswerGrammar, max_new_tokens: int, forced: Sequence[Ids]) -> None:
        self._grammar = grammar
        self._forced = forced
        self._remaining = max_new_tokens
        self._step = 0
        self._matchers: list[llguidance.LLMatcher] = []

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.Tensor:
        if not self._matchers:
            self._matchers = [self._grammar.begin() for _ in range(input_ids.shape[0])]
        else:
            for matcher, token in zip(self._matchers, input_ids[:, -1].tolist(), strict=True):
                if not matcher.is_stopped():
                    accepted = matcher.consume_token(token)
                    assert accepted, matcher.get_error()
        rows = [self._row(number) for number in range(len(self._matchers))]
        self._remaining -= 1
        self._step += 1
        return scores.masked_fill(
            torch.from_numpy(~np.stack(rows)).to(scores.device), float("-inf")
        )

    def _row(self, number: int) -> Allowed:
        matcher = self._matchers[number]
        if matcher.is_stopped():
            return self._grammar.end
        settled = self._forced[number] if self._forced else ()
        if self._step < len(settled):
            only = np.zeros_like(self._grammar.closing)
            only[settled[self._step]] = True
            return only
        allowed = self._grammar.allowed(matcher)
        if self._remaining <= LAST_TOKENS and (ending := allowed & self._grammar.closing).any():
            return ending
        return allowed


def _matcher(readable: Any, grammar: str) -> llguidance.LLMatcher:
    matcher = llguidance.LLMatcher(readable, llguidance.LLMatcher.grammar_from_lark(grammar))
    assert not matcher.is_error(), matcher.get_error()
    return matcher


def _answers(prompt: Prompt) -> str:
    """The grammar of all answers to a prompt, in llguidance's dialect of Lark."""
    gazetteer = Gazetteer.load()
    names = [json.dumps(gazetteer.country_name(code)) for code in gazetteer.countries()]
    parts = [json.dumps(opening(prompt))]
    for number, field in enumerate(prompt.fields):
        if number:
            parts.append(json.dumps(f'", "{field}": "'))
        parts.append(field.upper())
    parts.append(json.dumps('"}'))
    return "\n".join(
        [
            "start: " + " ".join(parts),
            "COUNTRY: " + " | ".join(names),
            f"CITY: /{CITY_PATTERN}/",
            f"REASONS: /{REASONS_PATTERN}/",
        ]
    )


def _settled_ids(tokenizer: Any, start: str) -> Ids:
    """The tokens of an answer's beginning but for its last quote, which may join what follows."""
    encoded = tokenizer(start, add_special_tokens=False, return_offsets_mapping=True)
    pairs = zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
    return tuple(token for token, (_, end) in pairs if end < len(start))
