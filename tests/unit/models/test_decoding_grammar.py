"""Constrained answers: valid whatever the weights, finished whatever the room, off when free."""

import json
from collections.abc import Callable

import pytest
import torch
from locating_family import question, small_family

from georay.core.answers import parse_answer
from georay.core.gazetteer import Gazetteer
from georay.core.prompts import INFERENCE, LOCATION, REASONING, Prompt, target_answer
from georay.models.decoding.candidates import opening
from georay.models.decoding.grammar import answer_grammar, generate_constrained
from georay.models.families.base import Family, Sampling
from georay.models.families.chat import ChatFamily

WILD = Sampling(max_new_tokens=128, temperature=3.0)


def answers(
    family: Family, prompt: Prompt, num_answers: int, sampling: Sampling = WILD, seed: int = 0
) -> list[str]:
    torch.manual_seed(seed)
    rows = family.encode([question(0, prompt)] * num_answers)
    return generate_constrained(family, rows, sampling, answer_grammar(family, prompt))


def is_valid(text: str, prompt: Prompt) -> bool:
    gazetteer = Gazetteer.load()
    values = json.loads(text)
    code = gazetteer.country(values["country"])
    return (
        tuple(values) == prompt.fields
        and code is not None
        and gazetteer.country_name(code) == values["country"]
        and all(value.strip() for value in values.values())
    )


@pytest.mark.parametrize("prompt", [INFERENCE, REASONING, LOCATION], ids=lambda one: one.name)
def test_an_untrained_model_gives_only_valid_answers(prompt: Prompt) -> None:
    texts = answers(small_family(), prompt, 16)
    assert all(is_valid(text, prompt) for text in texts), texts
    assert len(set(texts)) > 8
    assert {parse_answer(text).status for text in texts} == {"answered"}


def test_the_same_model_unconstrained_gives_none() -> None:
    torch.manual_seed(0)
    family = small_family()
    texts = family.generate(family.encode([question()] * 4), WILD)
    assert all(parse_answer(text).status != "answered" for text in texts)


@pytest.mark.slow
def test_five_hundred_answers_are_five_hundred_valid_ones() -> None:
    texts = [
        text for seed in range(10) for text in answers(small_family(), INFERENCE, 50, WILD, seed)
    ]
    assert sum(is_valid(text, INFERENCE) for text in texts) == len(texts) == 500


@pytest.mark.parametrize("temperature", [0.0, 1.0, 8.0])
def test_an_answer_ends_within_the_least_room(temperature: float) -> None:
    family = small_family(256)  # one token a byte: the longest answers there are
    texts = answers(family, INFERENCE, 8, Sampling(128, temperature), seed=1)
    assert all(is_valid(text, INFERENCE) for text in texts), texts


def test_too_little_room_is_refused() -> None:
    with pytest.raises(ValueError, match="max_new_tokens ≥ 128"):
        answers(small_family(), INFERENCE, 1, Sampling(max_new_tokens=127))


def test_every_country_can_be_written() -> None:
    family, gazetteer = small_family(), Gazetteer.load()
    grammar = answer_grammar(family, LOCATION)
    for code in gazetteer.countries():
        text = target_answer(LOCATION, country=gazetteer.country_name(code), city="Ōsaka")
        reader = grammar.begin()
        assert reader.consume_tokens(family.tokenizer(text)["input_ids"]), text


@pytest.mark.parametrize(
    "text",
    [
        '{"country": "Nigeri", "city": "Lagos"}',
        '{"country": "Atlantis", "city": "Poseidonis"}',
        '{"country": "Niger", "city": ""}',
        '{"country": "Niger", "city": "a\\"}',
        '{"country": "Niger"}',
        "{'country': 'Niger', 'city': 'Niamey'}",
    ],
)
def test_what_is_not_an_answer_cannot_be_written(text: str) -> None:
    family = small_family()
    reader = answer_grammar(family, LOCATION).begin()
    ids = family.tokenizer(text)["input_ids"]
    assert not (reader.try_consume_tokens(ids) == len(ids) and reader.is_accepting())


def test_a_settled_beginning_stays_and_the_rest_is_written() -> None:
    family = small_family()
    starts = [
        opening(INFERENCE, "Niger", "Niamey"),
        opening(INFERENCE, "Curaçao"),
    ]
    texts = generate_constrained(
        family,
        family.encode([question(0), question(1)]),
        Sampling(max_new_tokens=200),
        answer_grammar(family, INFERENCE),
        starts,
    )
    assert [text.startswith(start) for text, start in zip(texts, starts, strict=True)] == [True] * 2
    assert all(is_valid(text, INFERENCE) for text in texts), texts


def test_control_tokens_are_never_written() -> None:
    family = small_family()
    grammar = answer_grammar(family, INFERENCE)
    reader = grammar.begin()
    reader.consume_tokens(family.tokenizer('{"country": "Niger", "city": "N')["input_ids"])
    allowed = grammar.allowed(reader)
    assert allowed[family.tokenizer("iger")["input_ids"][0]]
    assert not allowed[family.tokenizer.all_special_ids].any()
    assert not allowed[family.tokenizer.convert_tokens_to_ids(["<img>", "<|im_start|>"])].any()


def test_a_grammar_is_made_once_for_a_tokenizer() -> None:
    assert answer_grammar(small_family(), INFERENCE) is answer_grammar(small_family(), INFERENCE)
    assert answer_grammar(small_family(), INFERENCE) is not answer_grammar(
        small_family(256), INFERENCE
    )


@pytest.mark.parametrize("model_type", ["qwen2_5_vl", "llava"])
def test_chat_families_are_held_to_it_too(
    small_chat_family: Callable[[str, int], ChatFamily], model_type: str
) -> None:
    texts = answers(small_chat_family(model_type, 3), INFERENCE, 3)
    assert all(is_valid(text, INFERENCE) for text in texts), texts
