"""A real vLLM server answers as the network that is here: the same words, the same ranking.

Slow: the server comes from tests/install_vllm.sh and starts in a minute.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.random_qwen import save_random_qwen
from benchmarks.vllm_server import NAME, vllm_python, vllm_served
from georay.config.load import parse_recipe
from georay.config.serve import ServeRecipe
from georay.core.prompts import Conversation
from georay.models.families.base import Exchange
from georay.serving.messages import ChatOptions, LocateOptions
from georay.serving.replica.engines.base import Engine
from georay.serving.replica.engines.load import load_engine
from georay.serving.replica.engines.local import LocalEngine
from georay.serving.replica.engines.vllm import VllmEngine

pytestmark = pytest.mark.slow
CHOICES = ("none", "reasoning", "location", "both")
ANSWERS = {"max_new_tokens": 128, "towns_per_country": 1}
NUM_PICTURES, ALL_COUNTRIES = 3, 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("qwen")
    save_random_qwen(found)
    return found


@pytest.fixture(scope="module")
def here(folder: Path) -> Engine:
    content = {
        "model": str(folder / "model"),
        "adapters": str(folder / "adapters"),
        "device": "cpu",
        "precision": "float32",
        "answers": ANSWERS,
    }
    engine = load_engine(parse_recipe(content, ServeRecipe, "test"))
    assert isinstance(engine, LocalEngine)
    return engine


@pytest.fixture(scope="module")
def there(folder: Path) -> Iterator[Engine]:
    if vllm_python() is None:
        pytest.skip("vLLM not here: tests/install_vllm.sh installs it")
    adapters = {name: folder / "adapters" / name for name in ("reasoning", "location")}
    adapters["sum"] = folder / "both"
    with vllm_served(folder / "model", adapters, more=["--enforce-eager"]) as address:
        remote = {
            "base_url": address,
            "model": NAME,
            "engine": "vllm",
            "adapters": {"reasoning": "reasoning", "location": "location", "both": "sum"},
            "picture_format": "png",
            "max_concurrency": 32,
            "timeout_s": 120,
        }
        content = {"remote": remote, "answers": ANSWERS}
        engine = load_engine(parse_recipe(content, ServeRecipe, "test"))
        assert isinstance(engine, VllmEngine)
        yield engine


def pictures() -> list[Image.Image]:
    """Of whole patches, so that neither engine must resize them."""
    return [
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (168, 224, 3), dtype=np.uint8))
        for seed in range(NUM_PICTURES)
    ]


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("reasons", [True, False])
def test_constrained_answers_are_the_same(here, there, choice, reasons):
    options = LocateOptions(top_k=0, adapter=choice, reasons=reasons)
    ours, theirs = here.locate(pictures(), options), there.locate(pictures(), options)
    for one, other in zip(ours, theirs, strict=True):
        assert other.location.error is None
        assert other.location.raw == one.location.raw
        assert other.location.country == one.location.country
        assert other.location.latitude == one.location.latitude


@pytest.mark.parametrize("choice", CHOICES)
def test_countries_are_as_probable(here, there, choice):
    options = LocateOptions(top_k=ALL_COUNTRIES, adapter=choice, reasons=False)
    ours, theirs = here.locate(pictures()[:1], options), there.locate(pictures()[:1], options)
    for one, other in zip(ours, theirs, strict=True):
        assert other.location.error is None
        expected = {each.country: math.log(each.probability) for each in one.location.candidates}
        found = {each.country: math.log(each.probability) for each in other.location.candidates}
        assert found.keys() == expected.keys() and len(found) > 200
        assert max(abs(found[code] - expected[code]) for code in found) < 1e-2
        assert other.location.candidates[0].country == one.location.candidates[0].country
        assert other.location.confidence == pytest.approx(one.location.confidence, rel=1e-2)


@pytest.mark.parametrize("top_k", [0, 2])
def test_what_is_streamed_is_what_is_answered(there, top_k):
    options, places, pieces = LocateOptions(top_k=top_k), [], []
    told = there.locate_stream(pictures()[0], options, places.append, pieces.append)
    (answered,) = there.locate(pictures()[:1], options)
    assert told.location.error is None and len(places) == 1
    assert "".join(pieces) == answered.location.reasons == told.location.reasons
    assert places[0].country == answered.location.country == told.location.country


@pytest.mark.parametrize("choice", CHOICES)
def test_a_chat_is_the_same(here, there, choice):
    exchange = Exchange((pictures()[0],), Conversation("What is in this picture?"))
    options = ChatOptions(adapter=choice, max_new_tokens=24)
    (ours,), (theirs,) = here.chat([exchange], options), there.chat([exchange], options)
    assert theirs.error is None and theirs.text is not None and ours.text is not None
    assert theirs.text.strip() == ours.text
    assert theirs.num_prompt_tokens == ours.num_prompt_tokens


def test_an_adapter_that_the_server_has_not_is_an_error_in_the_answer(there):
    assert there.card.choices() == ("reasoning", "location", "both", "none")
    remote = there._recipe.remote.model_copy(update={"adapters": {"location": "nobody"}})
    recipe = there._recipe.model_copy(update={"remote": remote})
    options = LocateOptions(top_k=0, adapter="location")
    (found,) = VllmEngine(there._model, recipe).locate(pictures()[:1], options)
    assert found.location.status == "failed" and "nobody" in str(found.location.error)
