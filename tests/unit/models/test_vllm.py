"""What is asked of a vLLM server, and what is read of its answers; see tests/integration/test_vllm.

The server here is a script on loopback that answers in vLLM's form.
"""

import json
import re
from collections.abc import Iterator

import numpy as np
import pytest
from misbehaving_endpoint import Act, Asked, Endpoint, failed, http, said
from PIL import Image

from georay.core.gazetteer import Gazetteer
from georay.core.prompts import INFERENCE, LOCATION, PROMPTS, REASONING, Conversation, target_answer
from georay.models.answering import LocatorSettings
from georay.models.families.base import Exchange, Sampling
from georay.models.families.remote import RemoteModel, RemoteSettings, Reply
from georay.models.vllm import Question, VllmModel, answer_pattern
from georay.models.vllm_answering import VllmAnswerer

ROOM = Sampling(max_new_tokens=200)
OPENING = '{"country": "'


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    yield server
    server.close()


def remote(endpoint: Endpoint, **settings: object) -> RemoteModel:
    chosen = {"max_attempts": 1, "max_concurrency": 32, "picture_format": "png"} | settings
    return RemoteModel(RemoteSettings(base_url=endpoint.url, model="base", **chosen))


def vllm(endpoint: Endpoint, name: str | None = None) -> VllmModel:
    return VllmModel(remote(endpoint), name)


def exchange(seed: int = 0) -> Exchange:
    return Exchange((Image.new("RGB", (28, 28), (seed, 2, 3)),), Conversation("Where?"))


def begun_of(asked: Asked) -> str:
    last = asked.body["messages"][-1]
    return last["content"] if last["role"] == "assistant" else ""


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=lambda one: one.name)
def test_the_pattern_takes_what_the_model_is_taught_to_say_and_nothing_else(prompt):
    odd = [name for name in country_names() if not name.isascii() or not name.isalpha()]
    assert odd
    for country in ("Niger", *odd):
        answer = target_answer(prompt, country=country, city="Zürich (1)", reasons="It [is] so.")
        assert re.fullmatch(answer_pattern(prompt), answer)
        assert not re.fullmatch(answer_pattern(prompt), answer.replace(country, "Atlantis"))
        assert not re.fullmatch(answer_pattern(prompt), answer[:-1])
        assert not re.fullmatch(answer_pattern(prompt), f'{answer[:-3]}"{answer[-3:]}')


def country_names() -> list[str]:
    gazetteer = Gazetteer.load()
    return [gazetteer.country_name(code) for code in gazetteer.countries()]


def test_behind_what_is_known_the_pattern_goes_on():
    left = ' "Lima", "reasons": "Hills."}'
    assert re.fullmatch(answer_pattern(INFERENCE, frozenset({"country"})), left)
    assert re.fullmatch(answer_pattern(REASONING, frozenset({"country"})), ' "Hills."}')


def test_a_constrained_answer_is_asked_with_its_beginning_and_comes_back_whole(endpoint):
    endpoint.script = lambda number, asked: said(' "Lima"}')
    question = Question(exchange(), {"country": "Peru"})
    (reply,) = vllm(endpoint, "both").complete([question], LOCATION, ROOM)
    assert reply.text == '{"country": "Peru", "city": "Lima"}'
    body = endpoint.asked[0].body
    assert body["model"] == "both" and body["max_tokens"] == 200 - 48
    assert body["messages"][-1] == {"role": "assistant", "content": '{"country": "Peru", "city":'}
    assert body["continue_final_message"] is True and body["add_generation_prompt"] is False
    pattern = body["structured_outputs"]["regex"]
    assert pattern == answer_pattern(LOCATION, frozenset({"country"}))
    (asked, _) = body["messages"]
    assert asked["content"][1]["text"] == LOCATION.question
    assert asked["content"][0]["image_url"]["url"].startswith("data:image/png;base64,")


def test_the_base_is_asked_by_its_own_name_and_from_the_start(endpoint):
    endpoint.script = lambda number, asked: said('{"country": "Peru", "city": "Lima"}')
    vllm(endpoint).complete([Question(exchange(), {})], LOCATION, ROOM)
    body = endpoint.asked[0].body
    assert body["model"] == "base" and len(body["messages"]) == 1
    assert "continue_final_message" not in body


@pytest.mark.parametrize(
    ("cut", "text", "error"),
    [
        (' "Hills and sn', '{"country": "Peru", "reasons": "Hills and sn"}', None),
        (' "caf\ufffd', '{"country": "Peru", "reasons": "caf"}', None),
        ("", None, "the answer was cut at max_new_tokens"),
    ],
)
def test_an_answer_that_is_cut_is_ended_where_it_can_be(endpoint, cut, text, error):
    endpoint.script = lambda number, asked: said(cut, reason="length")
    question = Question(exchange(), {"country": "Peru"})
    (reply,) = vllm(endpoint).complete([question], REASONING, ROOM)
    assert (reply.text, reply.error) == (text, error)


def test_too_few_tokens_are_refused_before_anything_is_asked(endpoint):
    with pytest.raises(ValueError, match="needs max_new_tokens ≥ 128 to be sure to end, got 100"):
        vllm(endpoint).complete([Question(exchange(), {})], LOCATION, Sampling(max_new_tokens=100))
    assert not endpoint.asked


def scored(asked: Asked, chances: dict[str, float], joined_quote: bool = False) -> Act:
    """vLLM's answer to a prompt that ends with a country: each letter a token but for the end.

    A name's last letter has its log-probability, all before it have none; the picture's and the
    question's tokens differ by rounding, as they do.
    """
    begun = begun_of(asked)
    name = begun.removeprefix(OPENING).partition('"')[0]
    ending = ['",', ' "', "city", '":', ' "'] if joined_quote else ['"', ", ", '"city": "']
    texts = [*OPENING, *name, *ending]
    assert "".join(texts) == begun
    entries: list[dict | None] = [None]
    for place, text in enumerate(texts):
        is_last = place == len(OPENING) + len(name) - 1
        behind = place > len(OPENING) + len(name)
        logprob = chances[name] if is_last else -5.0 if behind else 0.0
        facts = {"logprob": logprob, "rank": 1, "decoded_token": text}
        entries.append({str(ord(text[0]) if len(text) == 1 else 1000 + len(text)): facts})
    content = {
        "choices": [{"message": {"content": "x"}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": len(texts), "completion_tokens": 1},
        "prompt_logprobs": entries,
    }
    return http(200, json.dumps(content))


@pytest.mark.parametrize("joined_quote", [False, True])
def test_countries_are_scored_by_the_tokens_up_to_their_closing_quote(endpoint, joined_quote):
    names = country_names()
    chances = {name: -0.01 * number for number, name in enumerate(names)}
    endpoint.script = lambda number, asked: scored(asked, chances, joined_quote)
    (found,) = vllm(endpoint, "both").country_scores([exchange()], LOCATION)
    assert not isinstance(found, Reply)
    np.testing.assert_allclose(found.log_probabilities, [chances[name] for name in names])
    assert len(endpoint.asked) == len(names)
    body = endpoint.asked[0].body
    assert body["prompt_logprobs"] == 0 and body["max_tokens"] == 1 and body["model"] == "both"
    assert begun_of(endpoint.asked[0]).endswith('", "city": "')
    assert found.reply.num_answer_tokens == len(names)


def test_a_picture_is_encoded_once_for_all_its_countries(endpoint, monkeypatch):
    from georay.models.families import remote as module

    chances = dict.fromkeys(country_names(), -1.0)
    endpoint.script = lambda number, asked: scored(asked, chances)
    encoded, once = [], module.data_url
    monkeypatch.setattr(module, "data_url", lambda *given: encoded.append(1) or once(*given))
    vllm(endpoint).country_scores([exchange(1), exchange(2)], LOCATION)
    assert len(encoded) == 2 and len(endpoint.asked) == 2 * len(chances)


def test_an_endpoint_without_scores_is_told_apart(endpoint):
    (found,) = vllm(endpoint).country_scores([exchange()], LOCATION)
    assert isinstance(found, Reply)
    assert found.error == "the endpoint tells no prompt_logprobs: is it vLLM?"


def test_a_country_that_fails_fails_its_picture_alone(endpoint):
    chances = dict.fromkeys(country_names(), -1.0)
    broken = exchange(7)

    def script(number: int, asked: Asked) -> Act:
        url = asked.body["messages"][0]["content"][0]["image_url"]["url"]
        if url == broken_url and begun_of(asked).startswith('{"country": "Chad'):
            return failed(400, "no room")
        return scored(asked, chances)

    from georay.models.families.remote_wire import data_url

    broken_url = data_url(broken.images[0], 2048, "png")
    endpoint.script = script
    bad, good = vllm(endpoint).country_scores([broken, exchange()], LOCATION)
    assert isinstance(bad, Reply) and bad.error == "HTTP 400: no room"
    assert not isinstance(good, Reply)


REASONS = "Red roofs, high hills."


def streamed(text: str) -> Act:
    """An answer in server-sent events, three letters each."""
    pieces = [text[at : at + 3] for at in range(0, len(text), 3)]
    events: list[dict] = [{"choices": [{"delta": {"content": one}}]} for one in pieces]
    events += [{"choices": [{"delta": {}, "finish_reason": "stop"}]}]
    events += [{"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": len(pieces)}}]
    lines = [f"data: {json.dumps(one)}\n\n" for one in events]
    return http(200, "".join([*lines, "data: [DONE]\n\n"]))


def as_vllm(number: int, asked: Asked) -> Act:
    """A server that knows Peru: scores, places, and gives reasons."""
    begun, body = begun_of(asked), asked.body
    if "prompt_logprobs" in body:
        return scored(asked, dict.fromkeys(country_names(), -9.0) | {"Peru": -0.1})
    whole = {
        LOCATION.question: '{"country": "Peru", "city": "Cusco"}',
        REASONING.question: f'{{"country": "Peru", "reasons": "{REASONS}"}}',
        INFERENCE.question: f'{{"country": "Peru", "city": "Cusco", "reasons": "{REASONS}"}}',
    }[body["messages"][0]["content"][1]["text"]]
    assert whole.startswith(begun)
    rest = whole.removeprefix(begun)
    if "structured_outputs" in body:
        assert re.fullmatch(body["structured_outputs"]["regex"], rest)
    return streamed(rest) if body.get("stream") else said(rest)


def answerer(endpoint: Endpoint, in_halves: bool, **settings: object) -> VllmAnswerer:
    lower = vllm(endpoint, "lower") if in_halves else None
    return VllmAnswerer(vllm(endpoint, "upper"), LocatorSettings(**settings), lower)


@pytest.mark.parametrize("in_halves", [True, False])
@pytest.mark.parametrize("top_k", [0, 3])
def test_place_and_reasons_are_asked_of_who_learnt_them(endpoint, in_halves, top_k):
    endpoint.script = as_vllm
    (found,) = answerer(endpoint, in_halves).answer([exchange()], top_k)
    assert (found.status, found.country, found.city) == ("answered", "PE", "Cusco")
    assert found.reasons == REASONS and found.latitude == pytest.approx(-13.5, abs=0.2)
    asked = {
        one.body["messages"][0]["content"][1]["text"]: one.body["model"] for one in endpoint.asked
    }
    halves = {LOCATION.question: "upper", REASONING.question: "lower"}
    assert asked == (halves if in_halves else {INFERENCE.question: "upper"})
    assert len(found.candidates) == top_k
    if top_k:
        assert found.candidates[0].country == "PE"
        total = np.exp(-0.1) + (len(country_names()) - 1) * np.exp(-9.0)
        assert found.confidence == pytest.approx(np.exp(-0.1) / total)
    assert found.usage is not None and found.usage.num_attempts == len(endpoint.asked)


@pytest.mark.parametrize("in_halves", [True, False])
@pytest.mark.parametrize("top_k", [0, 3])
def test_what_is_told_while_it_comes_about_is_what_is_answered(endpoint, in_halves, top_k):
    endpoint.script = as_vllm
    chosen, places, pieces = answerer(endpoint, in_halves), [], []
    told = chosen.answer_stream(exchange(), top_k, places.append, pieces.append)
    (answered,) = chosen.answer([exchange()], top_k)
    assert "".join(pieces) == REASONS == told.reasons and len(pieces) > 3
    (place,) = places
    assert place.reasons is None
    for one in (place, told):
        assert (one.country, one.city, one.latitude) == ("PE", "Cusco", answered.latitude)
        assert one.candidates == answered.candidates


def test_below_the_threshold_no_place_is_named_and_no_reason_given(endpoint):
    endpoint.script = lambda number, asked: (
        scored(asked, dict.fromkeys(country_names(), -9.0) | {"Peru": -8.9})
        if "prompt_logprobs" in asked.body
        else as_vllm(number, asked)
    )
    for in_halves in (True, False):
        chosen = answerer(endpoint, in_halves, abstain_below=0.5)
        (found,) = chosen.answer([exchange()], 3)
        assert found.status == "abstained" and found.city is None and len(found.candidates) == 3
        places, pieces = [], []
        told = chosen.answer_stream(exchange(), 3, places.append, pieces.append)
        assert told.status == places[0].status == "abstained" and not pieces


def test_what_fails_is_an_error_in_the_answer_at_every_step(endpoint):
    def failing_at(question: str | None):
        def script(number: int, asked: Asked) -> Act:
            is_scored = "prompt_logprobs" in asked.body
            about = asked.body["messages"][0]["content"][1]["text"]
            if (question is None and is_scored) or (about == question and not is_scored):
                return failed(500, "no memory left")
            return as_vllm(number, asked)

        return script

    for question in (None, LOCATION.question, REASONING.question):
        endpoint.script = failing_at(question)
        chosen = answerer(endpoint, True)
        (found,) = chosen.answer([exchange()], 3)
        assert found.status == "failed" and "no memory left" in str(found.error)
        told = chosen.answer_stream(exchange(), 3, lambda _: None, lambda _: None)
        assert told.status == "failed" and "no memory left" in str(told.error)


def test_unconstrained_the_model_writes_as_it_likes(endpoint):
    endpoint.script = lambda number, asked: said("Probably Lima, Peru.")
    (found,) = answerer(endpoint, False, constrained=False).answer([exchange()], 0)
    assert found.raw == "Probably Lima, Peru."
    assert "structured_outputs" not in endpoint.asked[0].body
