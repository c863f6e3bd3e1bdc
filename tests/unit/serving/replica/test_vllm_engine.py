"""The engine that asks a vLLM server: which adapters it offers, and whom it asks by what name."""

import asyncio
import dataclasses
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from locating_family import picture
from misbehaving_endpoint import Act, Asked, Endpoint, said

from georay.config.load import parse_recipe
from georay.config.serve import ServeRecipe
from georay.core.prompts import INFERENCE, LOCATION, REASONING, Conversation
from georay.models.families.base import Exchange
from georay.serving.checking import check_here
from georay.serving.messages import ChatOptions, LocateJob, LocateOptions
from georay.serving.replica.batch_queue import BatchQueue
from georay.serving.replica.engine_threads import EngineThreads
from georay.serving.replica.engines.load import load_engine
from georay.serving.replica.engines.vllm import VllmEngine
from georay.serving.replica.jobs import DecodedJob, JobAnswer

ALL = {"reasoning": "lower", "location": "upper", "both": "sum"}
WRITTEN = LocateOptions(top_k=0)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    server.script = answer
    yield server
    server.close()


def answer(number: int, asked: Asked) -> Act:
    question = asked.body["messages"][0]["content"][1]["text"]
    fields = {"country": "Peru", "city": "Cusco", "reasons": "roofs"}
    prompts = {one.question: one.fields for one in (INFERENCE, LOCATION, REASONING)}
    named = prompts.get(question, ("country",))
    whole = json.dumps({name: fields[name] for name in named})
    last = asked.body["messages"][-1]
    return said(whole.removeprefix(last["content"]) if last["role"] == "assistant" else whole)


def engine_of(endpoint: Endpoint, **remote: object) -> VllmEngine:
    where = {"base_url": endpoint.url, "model": "base", "engine": "vllm", "max_attempts": 1}
    recipe = parse_recipe({"remote": where | remote}, ServeRecipe, "test")
    check_here(recipe)
    engine = load_engine(recipe)
    assert isinstance(engine, VllmEngine)
    return engine


def names_asked(endpoint: Endpoint) -> list[str]:
    return [one.body["model"] for one in endpoint.asked]


@pytest.mark.parametrize(
    ("adapters", "choices", "default"),
    [
        ({}, ("none",), "none"),
        ({"reasoning": "a"}, ("reasoning", "none"), "reasoning"),
        ({"both": "c"}, ("both", "none"), "both"),
        (ALL, ("reasoning", "location", "both", "none"), "both"),
    ],
)
def test_it_offers_the_adapters_that_the_recipe_names(endpoint, adapters, choices, default):
    card = engine_of(endpoint, adapters=adapters).card
    assert (card.id, card.choices(), card.default_adapter) == ("base", choices, default)


def test_both_place_and_the_lower_gives_the_reasons(endpoint):
    (found,) = engine_of(endpoint, adapters=ALL).locate([picture()], WRITTEN)
    assert (found.location.country, found.location.city) == ("PE", "Cusco")
    assert found.location.reasons == "roofs" and found.num_tokens == 100
    assert names_asked(endpoint) == ["sum", "lower"]


@pytest.mark.parametrize(
    ("choice", "name"), [("none", "base"), ("reasoning", "lower"), ("location", "upper")]
)
def test_another_choice_is_asked_by_its_name(endpoint, choice, name):
    engine = engine_of(endpoint, adapters=ALL)
    engine.locate([picture()], LocateOptions(top_k=0, adapter=choice))
    exchange = Exchange((picture(),), Conversation("What is this?"))
    (told,) = engine.chat([exchange], ChatOptions(adapter=choice))
    assert told.error is None and told.num_prompt_tokens == 1000
    assert names_asked(endpoint) == [name, name]


def test_an_adapter_that_is_not_served_is_refused(endpoint):
    with pytest.raises(ValueError, match="has no adapter 'both'; its choices are reasoning, none"):
        engine_of(endpoint, adapters={"reasoning": "a"}).locate(
            [picture()], LocateOptions(adapter="both")
        )
    assert not endpoint.asked


def test_a_dead_server_is_an_error_in_the_answer(endpoint):
    engine = engine_of(endpoint, base_url="http://127.0.0.1:9/v1", timeout_s=2)
    (found,) = engine.locate([picture()], LocateOptions())
    assert found.location.status == "failed" and "127.0.0.1:9" in str(found.location.error)
    engine.check()


def test_batches_overlap_at_an_endpoint(endpoint):
    """A model that is here answers one batch after the other; vLLM makes its own of all it has."""
    engine = engine_of(endpoint)
    endpoint.script = lambda number, asked: dataclasses.replace(answer(number, asked), wait_s=0.3)
    alone = parse_recipe({"batching": {"max_batch_size": 1}}, ServeRecipe, "test")

    async def ask() -> list[JobAnswer]:
        threads = EngineThreads(engine, ThreadPoolExecutor(1), alone.replicas)
        queue = BatchQueue(threads.answer, engine.max_batches, alone.batching)
        job = DecodedJob(LocateJob(b"", WRITTEN), (picture(),), 1, time.perf_counter())
        return await asyncio.gather(*(queue.answer(job) for _ in range(12)))

    answered = asyncio.run(ask())
    assert [one.reply.location.country for one in answered] == ["PE"] * 12
    assert 1 < endpoint.most_at_once <= engine.max_batches
