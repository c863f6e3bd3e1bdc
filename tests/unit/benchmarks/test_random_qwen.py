"""The random network that two engines are compared by: what it says ends, and its adapters act."""

import json

import pytest
from PIL import Image

from benchmarks.random_qwen import save_random_qwen
from georay.config.load import parse_recipe
from georay.config.serve import ServeRecipe
from georay.serving.messages import LocateOptions
from georay.serving.replica.engines.load import load_engine

pytestmark = pytest.mark.slow  # beside tests/integration/test_vllm.py, which needs it


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("qwen")
    content = {
        "model": str(save_random_qwen(folder)),
        "adapters": str(folder / "adapters"),
        "device": "cpu",
        "precision": "float32",
        "answers": {"max_new_tokens": 128},
    }
    return load_engine(parse_recipe(content, ServeRecipe, "test"))


def test_its_answers_end_and_differ_with_the_adapter(engine):
    picture = Image.linear_gradient("L").resize((224, 168)).convert("RGB")
    told = {
        choice: engine.locate([picture], LocateOptions(top_k=0, adapter=choice))[0]
        for choice in ("none", "reasoning", "location", "both")
    }
    assert all(set(json.loads(one.location.raw)) >= {"country", "city"} for one in told.values())
    assert len({one.location.raw for one in told.values()}) == len(told)
    assert any(one.num_tokens < 100 for one in told.values())
